import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createGateway } from '../src/create-gateway.js'
import { meddle, newDatabase } from './support/database.js'
import { openEventStream } from './support/event-stream.js'
import { startTestGateway } from './support/gateway.js'
import { hangs } from './support/jogg.js'
import { openRawSocket, openSocket } from './support/socket.js'

const WATCH = 'subscription { tasksUpdated(after: "0") { cursor stage } }'

test('closes WebSockets with 1001, so that their clients connect again', async () => {
  const gw = await startTestGateway()
  const client = await openSocket(gw.url)
  await client.init()
  client.ask('1', WATCH)
  await gw.createLipSync()
  expect(await client.next()).toMatchObject({ type: 'next' })
  await gw[Symbol.asyncDispose]()
  expect(await client.closed).toEqual({ code: 1001, reason: 'Going away, come back' })
})

test('breaks event streams off, so that their clients know that more will come', async () => {
  const gw = await startTestGateway()
  const stream = await openEventStream(gw.url, WATCH)
  await gw.createLipSync()
  expect(await stream.next()).toMatchObject({ event: 'next' })
  const rest = (async () => {
    for (let event = await stream.next(); event; event = await stream.next()) if (event.event !== 'next') return event
    return 'ended'
  })()
  const cut = expect(rest).rejects.toThrow('aborted')
  await gw[Symbol.asyncDispose]()
  await cut
})

/** A request whose body is still to come, and which the gateway has begun to answer. */
async function beginRequest(url: string) {
  const headers = { 'content-type': 'application/json', expect: '100-continue' }
  const req = request(`${url}/graphql`, { method: 'POST', headers, agent: false })
  req.flushHeaders()
  await once(req, 'continue')
  return req
}

test('completes a request that has begun', async () => {
  const gw = await startTestGateway()
  const req = await beginRequest(gw.url)
  const stopped = gw[Symbol.asyncDispose]()
  req.end('{"query":"{ __typename }"}')
  const [response] = (await once(req, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(200)
  expect(await text(response)).toBe('{"data":{"__typename":"Query"}}')
  await stopped
})

test('completes and records a submit that has begun', async () => {
  const file = await newDatabase()
  const gw = await startTestGateway({ databaseUrl: `file:${file}` })
  gw.jogg.plays(hangs('submit'))
  await gw.createLipSync()
  await gw.jogg.holding()
  const stopped = gw.gateway[Symbol.asyncDispose]()
  gw.jogg.release()
  await stopped
  expect(stagesIn(file)).toEqual(['submitted'])
  await gw[Symbol.asyncDispose]()
})

test('takes at most 5 s despite dead clients, and records a submit that hangs as unknown', async () => {
  const file = await newDatabase()
  const gw = await startTestGateway({ databaseUrl: `file:${file}` })
  gw.jogg.plays(hangs('submit'))
  await gw.createLipSync()
  await gw.jogg.holding()
  const deadSocket = (await openRawSocket(gw.url)).resume()
  const deadRequest = await beginRequest(gw.url)
  const ends = [once(deadSocket, 'close'), once(deadRequest, 'error')]
  const began = performance.now()
  await gw.gateway[Symbol.asyncDispose]()
  await Promise.all(ends)
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(stagesIn(file)).toEqual(['unknown'])
  await gw[Symbol.asyncDispose]()
})

test('a gateway mounted in another server responds with 503 after its shutdown', async () => {
  const gw = await startTestGateway()
  const host = createServer(gw.gateway.requestListener)
  host.on('upgrade', gw.gateway.upgradeHandler)
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  expect((await fetch(`${url}/ready`)).status).toBe(200)
  await gw[Symbol.asyncDispose]()
  const answer = await fetch(`${url}/ready`)
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { error: { code: 'SHUTTING_DOWN', message: 'The gateway is shutting down; connect again.' } },
  ])
  await expect(openSocket(url)).rejects.toThrow('503')
  await new Promise(resolve => host.close(resolve))
})

test('a gateway that cannot listen is shut down', async () => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const options = {
    port,
    databaseUrl: ':memory:',
    upstream: 'jogg',
    jogg: { apiKey: 'k' },
    logLevel: 'silent',
  } as const
  const gateway = await createGateway(options)
  await expect(gateway.listen()).rejects.toThrow('EADDRINUSE')
  await expect(gateway.tasks.get('x')).rejects.toThrow('not open')
  await gateway[Symbol.asyncDispose]()
  await new Promise(resolve => other.close(resolve))
})

test('a gateway may be shut down twice, concurrently, and before its start', async () => {
  const gw = await startTestGateway()
  await Promise.all([gw.gateway[Symbol.asyncDispose](), gw.gateway[Symbol.asyncDispose]()])
  await gw.gateway[Symbol.asyncDispose]()
  await gw[Symbol.asyncDispose]()
  const options = { databaseUrl: ':memory:', upstream: 'jogg', jogg: { apiKey: 'k' }, logLevel: 'silent' } as const
  await (await createGateway(options))[Symbol.asyncDispose]()
})

function stagesIn(file: string) {
  return meddle(file, database => database.prepare('SELECT stage FROM tasks').pluck().all())
}
