import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway } from '../support/gateway.js'
import { openConnection } from '../support/raw-http.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

test('the page is small and refers to files that browsers keep', async () => {
  const answer = await page()
  const html = await answer.text()
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(html.length).toBeLessThan(2_000)
  for (const [ending, type] of [
    ['js', 'text/javascript'],
    ['css', 'text/css'],
  ] as const) {
    const file = await open(fileOf(html, ending), { 'accept-encoding': 'gzip, br' })
    expect(file.headers.get('content-type')).toContain(type)
    expect(file.headers.get('content-encoding')).toBe('br')
    expect(file.headers.get('vary')).toBe('Origin, Accept-Encoding')
    expect(file.headers.get('cache-control')).toContain('immutable')
    expect(Number(file.headers.get('content-length'))).toBeLessThan(3_500_000)
    const etag = file.headers.get('etag') ?? ''
    expect((await open(fileOf(html, ending), { 'if-none-match': etag })).status).toBe(304)
    await file.arrayBuffer()
  }
})

test('each encoding holds the same content', async () => {
  const path = fileOf(await (await page()).text(), 'css')
  const raw = async (encoding: string) => {
    const socket = await openConnection(
      gw.url,
      `GET ${path} HTTP/1.1\r\nhost: x\r\naccept-encoding: ${encoding}\r\nconnection: close\r\n\r\n`,
    )
    const bytes = Buffer.concat(await socket.toArray())
    socket.destroy()
    return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
  }
  const plain = await raw('identity')
  expect(gunzipSync(await raw('gzip')).equals(plain)).toBe(true)
  expect(brotliDecompressSync(await raw('br')).equals(plain)).toBe(true)
  expect((await raw('br;q=0')).equals(plain)).toBe(true)
})

test('an unknown file name is not found', async () => {
  expect((await open('/graphql/graphiql-other.js')).status).toBe(404)
  expect((await open('/graphql/other.js')).status).toBe(404)
})

test('responses that no client reads share their memory', async () => {
  const path = fileOf(await (await page()).text(), 'js')
  await (await open(path, { 'accept-encoding': 'identity' })).arrayBuffer()
  const before = process.memoryUsage()
  const asking = `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`
  // The client's ends are in the same process, and hold nothing as long as they are not read.
  const sockets = await Promise.all(Array.from({ length: 20 }, () => openConnection(gw.url, asking.repeat(5))))
  await Promise.all(sockets.map(socket => once(socket.pause(), 'readable').catch(() => {})))
  const { arrayBuffers, rss } = process.memoryUsage()
  expect(arrayBuffers - before.arrayBuffers).toBeLessThan(20_000_000)
  expect(rss - before.rss).toBeLessThan(200_000_000)
  for (const socket of sockets) socket.destroy()
})

test('limits the concurrent responses to one address', async () => {
  await expect.poll(async () => (await page()).status, { interval: 1 }).toBe(200)
  const path = fileOf(await (await page()).text(), 'js')
  const asking = `GET ${path} HTTP/1.1\r\nhost: x\r\naccept-encoding: identity\r\n\r\n`
  const sockets = await Promise.all(Array.from({ length: 24 }, () => openConnection(gw.url, asking)))
  await Promise.all(sockets.map(socket => once(socket.pause(), 'readable')))
  const beyond = await open(path)
  expect([beyond.status, beyond.headers.get('retry-after')]).toEqual([429, '1'])
  for (const socket of sockets) socket.destroy()
  await expect.poll(async () => (await open(path, { 'accept-encoding': 'br' })).status, { interval: 1 }).toBe(200)
})

test('the example of the built-in engine creates a video of the bundled sample', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'graphiql-'))
  await using engine = await startTestGateway({ upstream: 'engine', dataDir })
  const html = await (await fetch(`${engine.url}/graphql`, { headers: { accept: 'text/html' } })).text()
  const script = await (await fetch(engine.url + fileOf(html, 'js'))).text()
  expect(script).toContain(`${engine.url}/media/sample/presenter.mp4`)
  expect(script).toContain(`${engine.url}/media/sample/speech.m4a`)
  expect((await fetch(`${engine.url}/media/sample/presenter.mp4`, { method: 'HEAD' })).status).toBe(200)
  rmSync(dataDir, { recursive: true })
})

/** `fetch` decompresses; the headers still show what was sent. */
function open(path: string, headers: Record<string, string> = {}) {
  return fetch(gw.url + path, { headers })
}

function page() {
  return open('/graphql', { accept: 'text/html' })
}

function fileOf(html: string, ending: string): string {
  return `/${new RegExp(`graphql/graphiql-[\\w-]+\\.${ending}`).exec(html)?.[0] ?? 'nothing'}`
}
