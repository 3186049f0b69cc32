import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { meddle, newDatabase } from '../support/database.js'
import { startTestGateway } from '../support/gateway.js'
import { code } from '../support/jogg.js'

const LISTED = 'https://app.example'
let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway({ corsOrigins: [LISTED] })
})
afterAll(() => gw[Symbol.asyncDispose]())

test('/health is 200 while the process runs', async () => {
  const answer = await ask('/health')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(await answer.json()).toEqual({ status: 'alive' })
})

test('/ready is 200, with the reason while submits are paused', async () => {
  await using held = await startTestGateway()
  const ready = async () => {
    const answer = await fetch(`${held.url}/ready`)
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  const pollers = { submitter: 'ok', statusPoller: 'ok', queuePositionUpdates: 'ok' }
  const well = { store: 'ok', pollers, upstream: 'ok' }
  expect(await ready()).toEqual({ status: 'ready', checks: well })
  held.jogg.plays(code('submit', 10105, 'invalid key'))
  await held.createLipSync()
  await held.clock.advance(1_000)
  expect(await ready()).toEqual({
    status: 'ready',
    checks: { ...well, upstream: expect.stringMatching(/^paused: \w+$/) },
  })
})

test('/ready is 503 and names the store when it cannot be written', async () => {
  const file = await newDatabase()
  await using broken = await startTestGateway({ databaseUrl: `file:${file}` })
  // A round that read after the change below would keep the beginning in SQLite's cache.
  await broken.gateway.settled()
  meddle(file, database => {
    database.exec('CREATE TABLE more (x)')
    database.pragma('wal_checkpoint(TRUNCATE)')
  })
  // Now everything is in the main file, whose beginning is lost.
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(4_096, 'x'), 0, 4_096, 0)
  await handle.close()

  const answer = await fetch(`${broken.url}/ready`)
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ status: 'not ready', checks: { store: 'unavailable' } })
})

test.each(['/graphql/', '/graphqlx', '/media/', '/media/../../etc/passwd', '/media/%2e%2e/gateway.db', '//', '/%'])(
  '%s is nothing here',
  async path => {
    // Without a client that tidies the path.
    const socket = connect(Number(new URL(gw.url).port), '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    const chunks = await socket.toArray()
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 404 .*"code":"NOT_FOUND"/s)
  },
)

test('rejects methods other than GET and POST', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD']) expect((await ask('/graphql', { method })).status).toBe(405)
  const head = await ask('/health', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('accepts requests of pages of listed origins only', async () => {
  const preflight = (origin: string) =>
    ask('/graphql', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,authorization',
      },
    })
  const allowed = (await preflight(LISTED)).headers
  expect(allowed.get('access-control-allow-origin')).toBe(LISTED)
  expect(allowed.get('access-control-allow-headers')).toBe('content-type,authorization')
  expect(allowed.get('vary')).toContain('Origin')
  for (const path of ['/graphql?query={__typename}', '/health', '/ready'])
    expect((await ask(path, { headers: { origin: LISTED } })).headers.get('access-control-allow-origin')).toBe(LISTED)

  for (const origin of ['https://evil.example', 'http://app.example', 'https://app.example.evil.example', 'null']) {
    expect((await preflight(origin)).headers.get('access-control-allow-origin'), origin).toBeNull()
    const answer = await ask('/graphql?query={__typename}', { headers: { origin } })
    expect(answer.headers.get('access-control-allow-origin'), origin).toBeNull()
  }
})

test('lists no origin by default', async () => {
  await using closed = await startTestGateway()
  const answer = await fetch(`${closed.url}/graphql?query={__typename}`, { headers: { origin: LISTED } })
  expect(answer.headers.get('access-control-allow-origin')).toBeNull()
})

test('GraphiQL loads from the gateway alone, and cannot be framed', async () => {
  const answer = await ask('/graphql', { headers: { accept: 'text/html' } })
  expect(answer.headers.get('content-type')).toContain('text/html')
  expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(answer.headers.get('content-security-policy')).not.toContain('http')
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  await answer.text()
})

test('mounted in another server, the gateway handles its own paths only', async () => {
  const { requestListener } = gw.gateway
  const host = createServer((req, res) => requestListener(req, res, () => void res.end(`${req.method} by the host`)))
  await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
  const theirs = await fetch(`${url}/users`, { method: 'OPTIONS', headers: { origin: LISTED } })
  expect(await theirs.text()).toBe('OPTIONS by the host')
  for (const name of ['access-control-allow-origin', 'content-security-policy', 'vary'])
    expect(theirs.headers.get(name), name).toBeNull()
  expect(await (await fetch(`${url}/media/theirs.png`)).text()).toBe('GET by the host')
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'alive' })
  host.closeAllConnections()
  await new Promise(resolve => host.close(resolve))
})

function ask(path: string, init: RequestInit = {}) {
  return fetch(`${gw.url}${path}`, init)
}
