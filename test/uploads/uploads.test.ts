import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { openConnection } from '../support/raw-http.js'
import { put, sampleAudio, sampleVideo, startUploadGateway } from '../support/uploads.js'

const HOUR_MS = 3_600_000

test('an uploaded file is served by its link, hashed and counted', async () => {
  await using gw = await startUploadGateway()
  const bytes = await sampleVideo()
  const upload = await gw.createUpload({ filename: 'My Video.MP4', contentType: 'video/mp4', sizeBytes: bytes.length })
  expect(upload).toMatchObject({ method: 'PUT', headers: [{ name: 'Content-Type', value: 'video/mp4' }] })
  expect((await fetch(upload.assetUrl)).status).toBe(404)
  const { status, body } = await put(upload, bytes)
  expect(status).toBe(200)
  expect(body.data).toEqual({
    asset_url: upload.assetUrl,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })
  const served = await fetch(upload.assetUrl)
  expect(served.headers.get('content-type')).toBe('video/mp4')
  expect(Buffer.from(await served.arrayBuffer()).equals(bytes)).toBe(true)
  expect(await gw.kept()).toEqual({ files: 1, bytes: bytes.length })
})

test.each([
  ['an altered signature', (url: string) => `${url.slice(0, -4)}AAAA`, 403],
  ['another payload', (url: string) => url.replace(/\.[^./]+\.([^.]+)$/, '.e30.$1'), 403],
  ['no token', (url: string) => url.replace(/[^/]+$/, ''), 403],
  ['a text', (url: string) => url.replace(/[^/]+$/, 'x'), 403],
])('a link with %s is refused and stores nothing', async (_, change, expected) => {
  await using gw = await startUploadGateway()
  const bytes = await sampleAudio()
  const upload = await gw.createUpload({ filename: 'a.m4a', sizeBytes: bytes.length })
  const { status } = await put({ ...upload, url: change(upload.url) }, bytes)
  expect(status).toBe(expected)
  expect(await gw.files()).toEqual([])
})

test('a link works once, and until it expires', async () => {
  await using gw = await startUploadGateway()
  const bytes = await sampleAudio()
  const [first, second] = [
    await gw.createUpload({ filename: 'a.m4a', sizeBytes: bytes.length }),
    await gw.createUpload({ filename: 'a.m4a', sizeBytes: bytes.length }),
  ]
  expect((await put(first, bytes)).status).toBe(200)
  expect(await put(first, bytes)).toMatchObject({ status: 409, body: { error: { code: 'INVALID_STATE' } } })
  await gw.clock.advance(31 * 60_000)
  expect(await put(second, bytes)).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } })
  expect(await gw.kept()).toEqual({ files: 1, bytes: bytes.length })
})

test.each([
  ['too few bytes', 'a.m4a', 10, async () => (await sampleAudio()).subarray(0, 9), 400],
  ['too many bytes', 'a.m4a', 10, sampleAudio, 400],
  ['a web page', 'a.mp4', null, async () => Buffer.from('<!doctype html><p>preview</p>'), 415],
  [
    'a picture',
    'a.mp4',
    null,
    async () => Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01', 'latin1'),
    415,
  ],
  ['sound declared as a video', 'a.mp4', null, async () => wav(), 415],
  ['nothing', 'a.mp4', null, async () => Buffer.alloc(0), 400],
] as const)('%s is refused and leaves nothing', async (_, filename, sizeBytes, bytes, expected) => {
  await using gw = await startUploadGateway()
  const type = filename.endsWith('mp4') ? 'video/mp4' : 'audio/mp4'
  const upload = await gw.createUpload({ filename, contentType: type, sizeBytes })
  expect((await put(upload, await bytes())).status).toBe(expected)
  expect(await gw.files()).toEqual([])
  expect(await gw.kept()).toEqual({ files: 0, bytes: 0 })
})

test('a file beyond the limit is refused when its link is made and, without a size, when it arrives', async () => {
  await using gw = await startUploadGateway({ uploads: { videoBytes: 1_000 } })
  const bytes = await sampleVideo()
  expect(await gw.tryCreateUpload({ filename: 'a.mp4', sizeBytes: 1_001 })).toMatchObject({
    upload: null,
    errors: [{ code: 'BAD_USER_INPUT', path: ['input', 'sizeBytes'] }],
  })
  const upload = await gw.createUpload({ filename: 'a.mp4' })
  expect((await put(upload, bytes)).status).toBe(413)
  expect(await gw.files()).toEqual([])
})

test.each(['a.txt', 'a', 'page.html', 'a.mp4/..', '../../etc/passwd'])(
  'the name %j names no video or audio',
  async filename => {
    await using gw = await startUploadGateway()
    expect((await gw.tryCreateUpload({ filename })).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }])
  },
)

test('the files of a caller together are limited', async () => {
  const bytes = await sampleAudio()
  await using gw = await startUploadGateway({ callerLimits: { uploadBytes: 2 * bytes.length } })
  const { headers: key } = await gw.createKey('me')
  const links = await Promise.all(
    [1, 2, 3].map(() => gw.createUpload({ filename: 'a.m4a', sizeBytes: bytes.length }, key)),
  )
  const statuses = await Promise.all(links.map(async link => (await put(link, bytes)).status))
  expect(statuses.sort()).toEqual([200, 200, 429])
  expect(await gw.kept(key)).toEqual({ files: 2, bytes: 2 * bytes.length })
  expect((await gw.tryCreateUpload({ filename: 'a.m4a', sizeBytes: 1 }, key)).errors).toMatchObject([
    { code: 'LIMIT_EXCEEDED' },
  ])
})

test('a hundred uploads cut at random leave no file and no row', async () => {
  await using gw = await startUploadGateway()
  const bytes = await sampleVideo()
  for (let round = 0; round < 10; round++)
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const { url } = await gw.createUpload({ filename: 'a.mp4', sizeBytes: bytes.length })
        const head = `PUT ${new URL(url).pathname} HTTP/1.1\r\nhost: localhost\r\ncontent-type: video/mp4\r\ncontent-length: ${bytes.length}\r\n\r\n`
        const socket = await openConnection(url, head)
        const part = bytes.subarray(0, Math.floor((bytes.length * ((round * 10 + i) % 100)) / 100))
        await new Promise(resolve => socket.write(part, resolve))
        socket.destroy()
        await once(socket, 'close')
      }),
    )
  await expect.poll(gw.files, { timeout: 5_000 }).toEqual([])
  expect(await gw.kept()).toEqual({ files: 0, bytes: 0 })
})

test('100 MB stream through flat memory', async () => {
  await using gw = await startUploadGateway()
  const size = 100_000_000
  const { url } = await gw.createUpload({ filename: 'a.mp4', sizeBytes: size })
  const head = await sampleVideo()
  const before = process.memoryUsage()
  let highest = 0
  const req = request(url, { method: 'PUT', headers: { 'content-type': 'video/mp4', 'content-length': size } })
  const answered = once(req, 'response')
  req.write(head)
  const chunk = Buffer.alloc(1_000_000)
  for (let sent = head.length; sent < size; sent += chunk.length) {
    if (!req.write(chunk.subarray(0, Math.min(chunk.length, size - sent)))) await once(req, 'drain')
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    highest = Math.max(highest, arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed)
  }
  req.end()
  const [response] = await answered
  response.resume()
  expect(response.statusCode).toBe(200)
  expect(highest).toBeLessThan(60_000_000)
}, 30_000)

test('a client that expects 100 Continue sends no body to a link that is refused', async () => {
  await using gw = await startUploadGateway()
  const bytes = await sampleAudio()
  const good = await gw.createUpload({ filename: 'a.m4a', sizeBytes: bytes.length })
  expect(await expecting(`${good.url}x`, bytes)).toEqual({ continued: false, status: 403 })
  expect(await expecting(good.url, bytes)).toEqual({ continued: true, status: 200 })
})

test('a page of an allowed origin may upload, and any other may not', async () => {
  await using gw = await startUploadGateway({ corsOrigins: ['https://app.example'] })
  const preflight = (origin: string) =>
    fetch(`${gw.url}/uploads/x`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'content-type' },
    })
  const allowed = await preflight('https://app.example')
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example')
  expect(allowed.headers.get('access-control-allow-methods')).toContain('PUT')
  expect((await preflight('https://other.example')).headers.get('access-control-allow-origin')).toBeNull()
})

test('a file expires unless an unfinished task uses it', async () => {
  await using gw = await startUploadGateway({ uploads: { ttlHours: 1 }, publicUrl: 'https://gw.example', auth: 'open' })
  const video = await uploadThrough(gw, await sampleVideo(), 'a.mp4')
  const audio = await uploadThrough(gw, await sampleAudio(), 'a.m4a')
  const task = await gw.createLipSync({ audioUrl: audio })
  await gw.clock.advance(HOUR_MS + 60_000)
  expect(await gw.kept()).toMatchObject({ files: 1 })
  expect((await fetch(video.replace('https://gw.example', gw.url))).status).toBe(404)
  expect((await fetch(audio.replace('https://gw.example', gw.url))).status).toBe(200)
  gw.jogg.finish(gw.jogg.jobs.accepted()[0]?.taskId ?? '')
  await gw.clock.advance(HOUR_MS)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUCCESS' })
  expect(await gw.kept()).toMatchObject({ files: 0 })
}, 20_000)

test('a create with a link to which nothing was uploaded is refused', async () => {
  await using gw = await startUploadGateway()
  const { assetUrl } = await gw.createUpload({ filename: 'a.mp4' })
  const { data } = await gw.create({ videoUrl: assetUrl })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['input', 'videoUrl'] }])
})

test('an idempotency key means the same task for the same bytes, wherever they are', async () => {
  await using gw = await startUploadGateway()
  const bytes = await sampleAudio()
  const links = [await gw.upload(bytes, 'a.m4a'), await gw.upload(bytes, 'b.m4a')]
  const [first, again] = [
    await gw.createLipSync({ audioUrl: links[0], idempotencyKey: 'k' }),
    await gw.createLipSync({ audioUrl: links[1], idempotencyKey: 'k' }),
  ]
  expect(again.id).toBe(first.id)
  const other = await gw.upload(wav(), 'c.wav')
  const { data } = await gw.create({ audioUrl: other, idempotencyKey: 'k' })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'IDEMPOTENCY_MISMATCH' }])
})

type Gateway = Awaited<ReturnType<typeof startUploadGateway>>

/** Behind a public URL, the links have to be sent to the listener itself. */
async function uploadThrough(gw: Gateway, bytes: Uint8Array, filename: string): Promise<string> {
  const upload = await gw.createUpload({ filename, sizeBytes: bytes.length })
  const { status } = await put({ ...upload, url: upload.url.replace('https://gw.example', gw.url) }, bytes)
  expect(status).toBe(200)
  return upload.assetUrl
}

function wav(): Buffer {
  const header = Buffer.from(
    'RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0',
    'latin1',
  )
  return Buffer.concat([header, Buffer.alloc(2_000)])
}

async function expecting(url: string, body: Uint8Array): Promise<{ continued: boolean; status: number }> {
  const headers = { expect: '100-continue', 'content-length': body.length, 'content-type': 'audio/mp4' }
  const req = request(url, { method: 'PUT', headers, agent: false })
  let continued = false
  req.on('continue', () => {
    continued = true
    req.end(body)
  })
  req.flushHeaders()
  const [response] = await once(req, 'response')
  response.resume()
  req.destroy()
  return { continued, status: response.statusCode }
}
