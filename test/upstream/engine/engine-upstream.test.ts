import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { never, startEngine, submitRequestOf } from '../../support/engine.js'
import { clip, holding, probe, serve, temporaryFolder, tone } from '../../support/engine-media.js'
import { hasProc, workerOf, workersOf } from '../../support/engine-processes.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

let files: Record<string, Buffer>
beforeAll(async () => {
  files = { '/video': await clip({ seconds: 0.2 }), '/audio': await tone(0.2) }
})

describe('a job', () => {
  test('produces files that are served, is logged, and leaves no temporary files', async () => {
    await using server = await serve(files)
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video?token=secret'), server.url('/audio'))
    expect(await engine.submit(job)).toBe(job.taskId)
    const seen = await engine.ended(job.taskId)
    if (seen.status !== 'success') throw new Error(JSON.stringify(engine.lines))
    expect(seen).toMatchObject({
      upstreamId: job.taskId,
      result: { durationMs: 200, animation: 'NO_FACE_FOUND', animatedShare: 0 },
    })
    expect(seen.completedAt).toBeGreaterThan(seen.createdAt ?? Number.POSITIVE_INFINITY)
    expect(seen.result.resultUrl).toMatch(/^\/media\/[\w-]{36}\/lipsync\.mp4$/)
    expect(await probe(engine.media.resolve(seen.result.resultUrl) ?? '')).toMatchObject({ seconds: 0.2, frames: 5 })
    expect(existsSync(engine.media.resolve(seen.result.coverUrl ?? '') ?? '')).toBe(true)
    expect(await readdir(join(engine.dataDir, 'work'))).toEqual([])
    expect(await readdir(join(engine.dataDir, 'jobs', 'pending'))).toEqual([])
    expect(await engine.upstream.findJob?.(job, never)).toEqual({ ...seen, createdAt: null })
    expect(engine.lines.filter(line => line.taskId).map(line => line.msg)).toEqual(['job started', 'job done'])
    expect(JSON.stringify(engine.lines)).not.toContain('secret')
  })

  test('is created once when it is submitted twice, at the same time or after its end', async () => {
    await using server = await serve({ '/video': 'x', '/audio': 'x' })
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    expect(await Promise.all([engine.submit(job), engine.submit(job)])).toEqual([job.taskId, job.taskId])
    expect(await engine.ended(job.taskId)).toMatchObject({ status: 'failed' })
    expect(await engine.submit(job)).toBe(job.taskId)
    expect(engine.lines.filter(line => line.msg === 'job started')).toHaveLength(1)
  })

  test('fails with a reason that survives a restart', async () => {
    await using server = await serve({ '/video': '<html></html>', '/audio': files['/audio']! })
    await using folder = await temporaryFolder()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    const failed = { status: 'failed', message: 'video: the file is a web page (HTML), not media' }
    {
      await using engine = await startEngine({ dataDir: folder.path })
      await engine.submit(job)
      expect(await engine.ended(job.taskId)).toMatchObject(failed)
      expect(await readdir(join(engine.dataDir, 'work'))).toEqual([])
    }
    await using engine = await startEngine({ dataDir: folder.path })
    expect(await engine.getJob(job.taskId)).toMatchObject(failed)
  })

  test('reads files that the gateway itself serves from disk', async () => {
    await using folder = await temporaryFolder()
    const paths: Record<string, string> = {}
    for (const [name, bytes] of Object.entries(files)) {
      paths[`http://gateway.invalid${name}`] = join(folder.path, name)
      await writeFile(join(folder.path, name), bytes)
    }
    await using engine = await startEngine({ ownFile: url => paths[url] ?? null })
    const job = submitRequestOf('http://gateway.invalid/video', 'http://gateway.invalid/audio')
    await engine.submit(job)
    expect(await engine.ended(job.taskId)).toMatchObject({ status: 'success' })
  })

  test('waits for its turn', async () => {
    const hold = holding()
    await using server = await serve({ '/video': hold.handler, '/audio': files['/audio']! })
    await using engine = await startEngine({ limits: { concurrency: 1, slotFetchMs: 60_000, idleMs: 60_000 } })
    const [first, second] = [
      submitRequestOf(server.url('/video'), server.url('/audio')),
      submitRequestOf(server.url('/none'), server.url('/audio')),
    ]
    await engine.submit(first)
    const request = await hold.request()
    await engine.submit(second)
    expect(await engine.getJob(first.taskId)).toMatchObject({ status: 'processing' })
    expect(await engine.getJob(second.taskId)).toMatchObject({ status: 'pending' })
    request.writeHead(403).end()
    expect(await engine.ended(second.taskId)).toMatchObject({ message: 'video: the server answered 404' })
    expect(await engine.getJob(first.taskId)).toMatchObject({ message: 'video: the server answered 403' })
  })

  test('that takes too long is killed and fails', async () => {
    await using server = await serve(files)
    await using engine = await startEngine({ limits: { jobSeconds: 0.2, jobSecondsPerSecond: 0 } })
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await engine.submit(job)
    expect(await engine.ended(job.taskId)).toMatchObject({ message: 'The job took longer than 0 s and was stopped.' })
    if (hasProc) expect(workersOf(process.pid)).toEqual([])
  })

  test.skipIf(!hasProc)('fails when its process is killed by another program', async () => {
    await using server = await serve(files)
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await engine.submit(job)
    process.kill(await workerOf(process.pid), 'SIGKILL')
    expect(await engine.ended(job.taskId)).toMatchObject({ message: 'The engine crashed while it made the video.' })
  })

  test.skipIf(!hasProc)('runs without the secrets of the gateway, and its files are private', async () => {
    vi.stubEnv('JOGG_API_KEY', 'secret-key')
    vi.stubEnv('JWT_SECRET', 'secret-of-the-issuer')
    await using server = await serve(files)
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await engine.submit(job)
    const environment = await readFile(`/proc/${await workerOf(process.pid)}/environ`, 'utf8')
    expect(environment).toContain('PATH=')
    expect(environment).not.toMatch(/secret|JOGG|JWT/)
    const running = await modesIn(engine.dataDir)
    expect(await engine.ended(job.taskId)).toMatchObject({ status: 'success' })
    const ended = await modesIn(engine.dataDir)
    expect(running.get(`work/${job.taskId}/video.source`)).toBe('600')
    expect([...ended.keys()].filter(name => /cover|lipsync|done\/./.test(name))).toHaveLength(3)
    for (const [name, mode] of [...running, ...ended]) expect(mode, name).toMatch(/^(600|700)$/)
    vi.unstubAllEnvs()
  })

  test('whose download is slow leaves its slot to others, and continues when it is there', async () => {
    const hold = holding()
    await using server = await serve({ ...files, '/slow': hold.handler })
    await using engine = await startEngine({ limits: { concurrency: 1, slotFetchMs: 0, idleMs: 60_000 } })
    const slow = submitRequestOf(server.url('/slow'), server.url('/audio'))
    const other = submitRequestOf(server.url('/none'), server.url('/audio'))
    await engine.submit(slow)
    const request = await hold.request()
    await vi.waitUntil(() => engine.upstream.hasCapacity?.(), { interval: 5, timeout: 10_000 })
    await engine.submit(other)
    expect(await engine.ended(other.taskId)).toMatchObject({ message: 'video: the server answered 404' })
    expect(await engine.getJob(slow.taskId)).toMatchObject({ status: 'processing' })
    request.end(files['/video'])
    expect(await engine.ended(slow.taskId)).toMatchObject({ status: 'success' })
  })

  test('whose own file is too large fails', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'file')
    await writeFile(path, Buffer.alloc(1_001))
    await using engine = await startEngine({ ownFile: () => path, limits: { inputBytes: 1_000 } })
    const job = submitRequestOf('http://gateway.invalid/a', 'http://gateway.invalid/b')
    await engine.submit(job)
    expect(await engine.ended(job.taskId)).toMatchObject({
      message: expect.stringMatching(/^(video|audio): the file is larger than 0.001 MB$/),
    })
  })

  test('that was never submitted is not found', async () => {
    await using engine = await startEngine()
    for (const id of ['nobody', '../jobs/done/x', '']) {
      await expect(engine.getJob(id)).rejects.toMatchObject({ name: 'UpstreamError', kind: 'not-found' })
    }
    expect(await engine.upstream.findJob?.(submitRequestOf('http://a/', 'http://b/'), never)).toBeNull()
    await expect(engine.submit(submitRequestOf('http://a/', 'http://b/', '../x'))).rejects.toMatchObject({
      kind: 'rejected',
    })
  })
})

/** The modes of all that is in a folder, by relative path. */
async function modesIn(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true })
  const modes = await Promise.all(
    names.map(async name => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)] as const),
  )
  return new Map(modes)
}
