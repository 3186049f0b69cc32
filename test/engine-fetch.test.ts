import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FetchLimits, fetchToFile } from '../src/upstream/local/job/fetch.js'
import { serve, temporaryFolder } from './support/engine-media.js'

const limits = { allowedHosts: ['127.0.0.1'], inputBytes: 1_000, idleMs: 10_000, fetchMs: 10_000 }

/** The bytes that were fetched, or the message of the failure. */
const fetched = async (url: string, changed: Partial<FetchLimits> = {}): Promise<string> => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'file')
  try {
    await fetchToFile('video', url, path, { ...limits, ...changed })
  } catch (error) {
    expect(error).toMatchObject({ name: 'JobFailure' })
    return (error as Error).message
  }
  return await readFile(path, 'utf8')
}

const redirect =
  (location: string, status = 302) =>
  (_req: unknown, res: ServerResponse) =>
    void res.writeHead(status, { location }).end()

describe('an address that is not public is refused', () => {
  const refused = 'video: the address is not public'

  test.each([
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
  ])('as %s, and no connection is made', async host => {
    await using server = createServer()
    let connections = 0
    server.on('connection', () => connections++)
    await once(server.listen(0), 'listening')
    const { port } = server.address() as AddressInfo
    expect(await fetched(`http://${host}:${port}/a?token=1`, { allowedHosts: [] })).toBe(refused)
    expect(connections).toBe(0)
  })

  test('after a redirect from a host that is allowed', async () => {
    await using inside = await serve({ '/secret': 'secret' })
    await using outside = await serve({ '/a': redirect(inside.url('/secret')) })
    expect(await fetched(outside.url('/a'), { allowedHosts: [outside.host] })).toBe(refused)
    expect(await fetched(outside.url('/a'), { allowedHosts: [outside.host, inside.host] })).toBe('secret')
  })
})

describe('a redirect', () => {
  test('is followed five times, relative or absolute, and not six', async () => {
    await using server = await serve({ '/0': 'here' })
    for (let n = 1; n <= 6; n++) server.files[`/${n}`] = redirect(n % 2 ? `${n - 1}` : server.url(`/${n - 1}`), 307)
    expect(await fetched(server.url('/5'))).toBe('here')
    expect(await fetched(server.url('/6'))).toBe('video: the server redirects more than 5 times')
  })

  test('leads nowhere but to http and https', async () => {
    await using server = await serve({
      '/a': redirect('file:///etc/hostname'),
      '/b': (_req, res) => res.writeHead(302).end(),
    })
    expect(await fetched(server.url('/a'))).toBe('video: the address is not http or https')
    expect(await fetched(server.url('/b'))).toBe('video: the server redirects to nowhere')
  })
})

describe('an answer', () => {
  test.each([204, 206, 401, 404, 500])('of status %i is a failure', async status => {
    await using server = await serve({ '/a': (_req, res) => res.writeHead(status).end('no') })
    expect(await fetched(server.url('/a?token=secret'))).toBe(`video: the server answered ${status}`)
  })

  test('too large is refused by what it announces, and while it comes', async () => {
    const tooLarge = 'video: the file is larger than 0.001 MB'
    await using server = await serve({
      '/announced': (_req, res) => void res.writeHead(200, { 'content-length': 1_001 }).write('x'),
      '/chunked': (_req, res) => void res.write(Buffer.alloc(1_001)),
      '/right': Buffer.alloc(1_000, 'x'),
    })
    expect(await fetched(server.url('/announced'))).toBe(tooLarge)
    expect(await fetched(server.url('/chunked'))).toBe(tooLarge)
    expect(await fetched(server.url('/right'))).toHaveLength(1_000)
  })

  test('that ends early, stops, or never comes is a failure', async () => {
    await using server = await serve({
      '/short': (_req, res) => {
        res.writeHead(200, { 'content-length': 100 }).write('x', () => res.destroy())
      },
      '/stalled': (_req, res) => void res.writeHead(200, { 'content-length': 100 }).write('x'),
      '/silent': () => {},
    })
    expect(await fetched(server.url('/short'))).toMatch(/^video: the server (closed the connection|sent less)/)
    expect(await fetched(server.url('/stalled'), { fetchMs: 100 })).toBe('video: fetching it took too long')
    expect(await fetched(server.url('/silent'), { fetchMs: 100 })).toBe('video: fetching it took too long')
    expect(await fetched(server.url('/stalled'), { idleMs: 100 })).toBe('video: the server stopped sending')
    expect(await fetched(server.url('/silent'), { idleMs: 100 })).toBe('video: the server did not answer in time')
  })

  test('cannot come from a host that is not there', async () => {
    const gone = await serve({})
    await gone[Symbol.asyncDispose]()
    expect(await fetched(gone.url('/a'))).toBe('video: the server refused the connection')
    expect(await fetched('http://nowhere.invalid/a')).toMatch(/^video: the host/)
    expect(await fetched('ftp://nowhere.invalid/a')).toBe('video: the address is not http or https')
  })
})
