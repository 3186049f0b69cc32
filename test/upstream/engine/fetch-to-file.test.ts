import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FetchLimits, fetchToFile } from '../../../src/upstream/engine/fetch-to-file.js'
import { serve, temporaryFolder } from '../../support/engine-media.js'

const limits = { allowedHosts: ['127.0.0.1'], inputBytes: 1_000, idleMs: 10_000, fetchMs: 10_000 }

/** Returns the downloaded bytes, or the message of the failure. */
async function fetched(url: string, changed: Partial<FetchLimits> = {}): Promise<string> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'file')
  try {
    await fetchToFile('video', url, path, { ...limits, ...changed }, new AbortController().signal)
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

describe('an address that is not public is refused with the option that allows it', () => {
  const refused =
    'video: the host is unknown or not public (MEDIA_ALLOWED_HOSTS lists the private hosts that may be used)'

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
  test('is followed up to five times, relative or absolute', async () => {
    await using server = await serve({ '/0': 'here' })
    for (let n = 1; n <= 6; n++) server.files[`/${n}`] = redirect(n % 2 ? `${n - 1}` : server.url(`/${n - 1}`), 307)
    expect(await fetched(server.url('/5'))).toBe('here')
    expect(await fetched(server.url('/6'))).toBe('video: the server redirects more than 5 times')
  })

  test('leads to http and https only', async () => {
    await using server = await serve({
      '/a': redirect('file:///etc/hostname'),
      '/b': (_req, res) => res.writeHead(302).end(),
    })
    expect(await fetched(server.url('/a'))).toBe('video: the URL is not http or https')
    expect(await fetched(server.url('/b'))).toBe('video: the server redirects without a location')
  })
})

describe('a response', () => {
  test.each([204, 206, 401, 404, 500])('of status %i is a failure', async status => {
    await using server = await serve({ '/a': (_req, res) => res.writeHead(status).end('no') })
    expect(await fetched(server.url('/a?token=secret'))).toBe(`video: the server answered ${status}`)
  })

  test('that is too large is refused by its announced length and while it is read', async () => {
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

  test('that ends early, stalls or never starts is a failure', async () => {
    await using server = await serve({
      '/short': (_req, res) => {
        res.writeHead(200, { 'content-length': 100 }).write('x', () => res.destroy())
      },
      '/stalled': (_req, res) => void res.writeHead(200, { 'content-length': 100 }).write('x'),
      '/silent': () => {},
    })
    expect(await fetched(server.url('/short'))).toMatch(/^video: the server (closed the connection|sent less)/)
    expect(await fetched(server.url('/stalled'), { fetchMs: 100 })).toBe('video: the download took too long')
    expect(await fetched(server.url('/silent'), { fetchMs: 100 })).toBe('video: the download took too long')
    expect(await fetched(server.url('/stalled'), { idleMs: 100 })).toBe('video: the server stopped sending')
    expect(await fetched(server.url('/silent'), { idleMs: 100 })).toBe('video: the server did not respond in time')
  })

  test('of an unknown host fails like that of a private host', async () => {
    const gone = await serve({})
    await gone[Symbol.asyncDispose]()
    expect(await fetched(gone.url('/a'))).toBe('video: the server refused the connection')
    expect(await fetched('http://nowhere.invalid/a')).toBe(await fetched('http://10.0.0.1/a'))
    expect(await fetched('ftp://nowhere.invalid/a')).toBe('video: the URL is not http or https')
  })
})
