import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIO, startTestGateway, VIDEO } from './support/gateway.js'
import { code } from './support/jogg.js'
import { openRawSocket, openSocket } from './support/socket.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway({ corsOrigins: ['https://app.example'] })
})
afterAll(() => gw[Symbol.asyncDispose]())

const opened = async ({ url } = gw) => {
  const client = await openSocket(url)
  await client.init()
  return client
}

describe('the limits', () => {
  test('a client that does not introduce itself is closed with 4408', async () => {
    await using hasty = await startTestGateway({ wsInitTimeoutMs: 20 })
    const client = await openSocket(hasty.url)
    expect(await client.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' })
  })

  test('a message that is too large closes with 1009 and says how large it may be', async () => {
    const client = await opened()
    client.send({ type: 'ping', payload: { x: 'x'.repeat(99_900) } })
    expect(await client.next()).toMatchObject({ type: 'pong' })
    client.send({ type: 'ping', payload: { x: 'x'.repeat(100_000) } })
    expect(await client.closed).toEqual({ code: 1009, reason: 'Message larger than 100000 bytes' })
    const shameless = await opened()
    shameless.send('x'.repeat(5_000_000))
    expect((await shameless.closed).code).toBe(1009)
  })

  test('an operation too many closes with 4429, and nothing after it is carried out', async () => {
    await using narrow = await startTestGateway({ wsMaxOperations: 2 })
    const client = await opened(narrow)
    for (const id of ['1', '2', '3']) client.ask(id, 'subscription { taskUpdated { id } }')
    client.ask('4', `mutation { createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${AUDIO}" }) { id } }`)
    expect(await client.closed).toEqual({ code: 4429, reason: 'More than 2 operations at a time' })
    const { data } = await narrow.graphql('{ lipSyncTasks { edges { node { id } } } }')
    expect(data.lipSyncTasks.edges).toEqual([])
  })

  test('operations one after the other are no operation too many', async () => {
    await using narrow = await startTestGateway({ wsMaxOperations: 1 })
    const client = await opened(narrow)
    for (const id of ['1', '2', '3']) {
      client.ask(id, '{ __typename }')
      expect([await client.next(), await client.next()]).toMatchObject([{ id, type: 'next' }, { type: 'complete' }])
    }
  })

  test('a connection too many is closed with 1013, whatever it still says, and there is room when one leaves', async () => {
    await using small = await startTestGateway({ wsMaxConnections: 1 })
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

describe('who may open a socket', () => {
  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'nonsense'])('not a page of %s', async origin => {
    await expect(openSocket(gw.url, { origin })).rejects.toThrow('403')
  })

  test('a page of a listed origin, a page of the gateway itself, and whoever is no page', async () => {
    for (const origin of ['https://app.example', gw.url, undefined]) await (await openSocket(gw.url, { origin })).init()
  })

  test('nobody who speaks another protocol', async () => {
    const silent = await openSocket(gw.url, { protocol: '' })
    expect(await silent.closed).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' })
    await expect(openSocket(gw.url, { protocol: 'graphql-ws' })).rejects.toThrow()
  })

  test('nobody on another path', async () => {
    await expect(openSocket(`${gw.url}/elsewhere`)).rejects.toThrow('404')
  })
})

describe('what is wrong', () => {
  test.each(['not JSON', '{}', '{"type":"nonsense"}', '{"type":"subscribe","id":"1"}', '[]', ''])(
    'in the message %j closes with 4400',
    async message => {
      const client = await opened()
      client.send(message)
      expect(await client.closed).toEqual({ code: 4400, reason: 'Invalid message received' })
    },
  )

  test('a message that only a server sends closes as well', async () => {
    const client = await opened()
    client.send({ type: 'connection_ack' })
    expect((await client.closed).code).toBe(4500)
  })

  test('an operation before the introduction closes with 4401', async () => {
    const client = await openSocket(gw.url)
    client.ask('1', '{ __typename }')
    expect((await client.closed).code).toBe(4401)
  })

  test.each([
    ['GRAPHQL_PARSE_FAILED', '{', {}],
    ['GRAPHQL_VALIDATION_FAILED', '{ nonsense }', {}],
    ['OPERATION_RESOLUTION_FAILURE', 'query A { __typename } query B { __typename }', {}],
    ['QUERY_TOO_COMPLEX', `{ ${'__typename '.repeat(2_001)} }`, {}],
    ['QUERY_TOO_COMPLEX', `{ ${'... { '.repeat(13)} __typename ${'} '.repeat(13)} }`, {}],
    ['NOT_FOUND', 'subscription { taskUpdated(id: "nobody") { id } }', {}],
    ['BAD_USER_INPUT', 'subscription { taskUpdated(after: "x") { id } }', {}],
    ['BAD_USER_INPUT', 'subscription { taskUpdated(after: "99") { id } }', {}],
    ['BAD_USER_INPUT', 'subscription ($after: String) { taskUpdated(after: $after) { id } }', { after: 7 }],
    ['BAD_USER_INPUT', 'query ($id: ID!) { lipSyncTask(id: $id) { id } }', {}],
  ])('in an operation arrives as %s, and the socket lives on', async (expected, query, variables) => {
    const client = await opened()
    client.ask('1', query, variables)
    const { payload } = await client.next()
    const [error, ...more] = payload.errors ?? payload
    expect(error.extensions).toEqual({ code: expected, ...(error.extensions.field && { field: 'after' }) })
    expect(more).toEqual([])
    client.ask('2', '{ __typename }')
    const later = [await client.next(), await client.next()]
    expect(later.find(message => message.id === '2')).toMatchObject({ type: 'next' })
  })
})

test('queries and mutations work here as well', async () => {
  const client = await opened()
  const input = { videoUrl: VIDEO, audioUrl: AUDIO }
  client.ask('1', 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { id stage } }', { input })
  const { payload } = await client.next()
  expect(payload).toEqual({ data: { createLipSync: { id: expect.any(String), stage: 'QUEUED' } } })
  expect(await client.next()).toEqual({ id: '1', type: 'complete' })
  client.ask('2', 'query ($id: ID!) { lipSyncTask(id: $id) { id } }', { id: payload.data.createLipSync.id })
  expect(await client.next()).toMatchObject({
    payload: { data: { lipSyncTask: { id: payload.data.createLipSync.id } } },
  })
})

test.each(['completes the operation', 'closes the socket', 'drops the connection'])(
  'a client that %s while nothing happens is forgotten at once',
  async how => {
    await using quiet = await startTestGateway()
    const before = quiet.gateway.listeners()
    const client = await opened(quiet)
    const queued = await quiet.createLipSync()
    await quiet.clock.advance(0)
    client.ask('one', `subscription { taskUpdated(id: "${queued.id}") { id } }`)
    client.ask('all', 'subscription { taskUpdated(after: "0") { id } }')
    for (let told = 0; told < 4; told++) await client.next()
    expect(quiet.gateway.listeners()).toBeGreaterThan(before + 1)
    if (how === 'closes the socket') client.socket.close()
    else if (how === 'drops the connection') client.socket.terminate()
    else for (const id of ['one', 'all']) client.send({ type: 'complete', id })
    await expect.poll(() => quiet.gateway.listeners(), { interval: 1 }).toBe(before)
  },
)

test('a client that reads nothing stops nobody, however much happens', async () => {
  await using busy = await startTestGateway()
  busy.jogg.plays(code('submit', 18020, 'no credit'))
  const stalled = await opened(busy)
  stalled.socket.pause()
  const much = Array.from({ length: 15 }, (_, i) => `a${i}: videoUrl`)
  stalled.ask('1', `subscription { taskUpdated(after: "0") { ${much} } }`)
  const reader = await opened(busy)
  reader.ask('1', 'subscription { taskUpdated(after: "0") { cursor } }')
  const videoUrl = `${VIDEO}?${'x'.repeat(2_000)}`
  const creating = Promise.all(
    Array.from({ length: 1_200 }, () => busy.gateway.tasks.create({ videoUrl, audioUrl: AUDIO })),
  )
  const cursors: number[] = []
  while (cursors.length < 1_200) cursors.push(Number((await reader.next()).payload.data.taskUpdated.cursor))
  await creating
  expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
  stalled.socket.terminate()
})
