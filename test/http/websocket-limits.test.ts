import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { openEventStream } from '../support/event-stream.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'
import { openRawSocket, openSocket } from '../support/socket.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway({ corsOrigins: ['https://app.example'] })
})
afterAll(() => gw[Symbol.asyncDispose]())

describe('the limits', () => {
  test('closes a socket without `connection_init` with 4408', async () => {
    await using hasty = await startTestGateway({ webSocket: { initTimeoutMs: 20 } })
    const client = await openSocket(hasty.url)
    expect(await client.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
  })

  test('closes a socket after a message that is too large with 1009 and the limit', async () => {
    const client = await opened()
    client.send({ type: 'ping', payload: { x: 'x'.repeat(99_900) } })
    expect(await client.next()).toMatchObject({ type: 'pong' })
    client.send({ type: 'ping', payload: { x: 'x'.repeat(100_000) } })
    expect(await client.closed).toEqual({ code: 1009, reason: 'Message larger than 100000 bytes' })
    const shameless = await opened()
    shameless.send('x'.repeat(5_000_000))
    expect((await shameless.closed).code).toBe(1009)
  })

  test('closes a socket with an operation beyond the limit with 4429, and executes nothing after it', async () => {
    await using narrow = await startTestGateway({ webSocket: { maxOperations: 2 } })
    const client = await opened(narrow)
    for (const id of ['1', '2', '3']) client.ask(id, 'subscription { tasksUpdated { cursor } }')
    client.ask('4', `mutation { createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${AUDIO}" }) { task { id } } }`)
    expect(await client.closed).toEqual({ code: 4429, reason: 'Limit of 2 operations at a time reached' })
    const { data } = await narrow.graphql('{ lipSyncTasks { edges { node { id } } } }')
    expect(data.lipSyncTasks.edges).toEqual([])
  })

  test('does not count operations that have ended', async () => {
    await using narrow = await startTestGateway({ webSocket: { maxOperations: 1 } })
    const client = await opened(narrow)
    for (const id of ['1', '2', '3']) {
      client.ask(id, '{ __typename }')
      expect([await client.next(), await client.next()]).toMatchObject([{ id, type: 'next' }, { type: 'complete' }])
    }
  })

  test('closes a connection beyond the limit with 1013, and accepts one again when another leaves', async () => {
    await using small = await startTestGateway({ webSocket: { maxConnections: 1 } })
    const first = await openSocket(small.url)
    const second = await openSocket(small.url)
    expect(await second.closed).toEqual({ code: 1013, reason: 'Too many connections, try later' })
    first.socket.close()
    await first.closed
    const third = await opened(small)
    const rude = await openRawSocket(small.url)
    rude.resume().end(Buffer.alloc(64, 0xff))
    await once(rude, 'close')
    third.ask('1', '{ __typename }')
    expect(await third.next()).toMatchObject({ type: 'next' })
  })
})

describe('opening a socket', () => {
  test.each(['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'nonsense'])(
    'not a page of %s',
    async origin => {
      await expect(openSocket(gw.url, { origin })).rejects.toThrow('403')
    },
  )

  test('accepts pages of a listed origin, pages of the gateway itself, and clients that are no page', async () => {
    for (const origin of ['https://app.example', gw.url, undefined]) await (await openSocket(gw.url, { origin })).init()
  })

  test('a page of the public URL, behind a proxy that hides its host', async () => {
    await using proxied = await startTestGateway({ publicUrl: 'https://lips.example/gateway', auth: 'open' })
    await openSocket(proxied.url, { origin: 'https://lips.example' })
    await expect(openSocket(proxied.url, { origin: 'https://lips.example.evil' })).rejects.toThrow('403')
  })

  test('rejects another protocol', async () => {
    const silent = await openSocket(gw.url, { protocol: '' })
    expect(await silent.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' })
    await expect(openSocket(gw.url, { protocol: 'graphql-ws' })).rejects.toThrow()
  })

  test('rejects another path', async () => {
    await expect(openSocket(`${gw.url}/elsewhere`)).rejects.toThrow('404')
  })
})

test("limits the sockets of one caller's watch tokens as a whole", async () => {
  await using small = await startGatewayWithKeys({ callerLimits: { sockets: 2 } })
  const me = await small.createKey('me')
  const join = async (credential: string) => {
    const client = await openSocket(small.url)
    client.send({ type: 'connection_init', payload: { authorization: `Bearer ${credential}` } })
    return Promise.race([client.next().then(({ type }) => type), client.closed.then(({ code }) => code)])
  }
  const outcomes = []
  for (let count = 0; count < 12; count++) outcomes.push(await join(await mintFor(small, me.headers, `order ${count}`)))
  expect(outcomes).toEqual([...Array(10).fill('connection_ack'), 4429, 4429])
  expect(await join(me.text)).toBe('connection_ack')
  expect(await join((await small.createKey('you')).text)).toBe('connection_ack')
})

test("limits the event streams of one caller's watch tokens as a whole", async () => {
  await using small = await startGatewayWithKeys({ callerLimits: { subscriptions: 2 } })
  const me = await small.createKey('me')
  const refused = []
  for (let count = 0; count < 12; count++) {
    const headers = { authorization: `Bearer ${await mintFor(small, me.headers, `order ${count}`)}` }
    const stream = await openEventStream(small.url, 'subscription { tasksUpdated { cursor } }', {}, headers)
    if (count >= 10) refused.push((await stream.next())?.data.errors[0].extensions)
  }
  expect(refused).toEqual(Array(2).fill({ code: 'LIMIT_EXCEEDED', limit: 'subscriptions' }))
})

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>

async function mintFor(gateway: Gateway, headers: Record<string, string>, reference: string): Promise<string> {
  const mint = `mutation { createWatchToken(input: { reference: "${reference}" }) { watchToken { token } } }`
  return (await gateway.graphql(mint, {}, headers)).data.createWatchToken.watchToken.token
}

async function opened({ url } = gw) {
  const client = await openSocket(url)
  await client.init()
  return client
}
