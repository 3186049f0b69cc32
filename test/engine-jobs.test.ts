import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { checkPackages } from '../src/upstream/local/check-packages.js'
import { startEngine, submitRequestOf } from './support/engine.js'
import { clip, gone, holding, probe, serve, temporaryFolder, tone } from './support/engine-media.js'
import { hasProc, jobsOf } from './support/engine-processes.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

let files: Record<string, Buffer>
beforeAll(async () => {
  files = { '/video': await clip(), '/audio': await tone(0.6) }
})

describe('a job', () => {
  test('is made into files that are served, told, logged, and leaves nothing else', async () => {
    await using server = await serve(files)
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video?token=secret'), server.url('/audio'))
    expect(await engine.submit(job)).toBe(job.taskId)
    const seen = await engine.ended(job.taskId)
    if (seen.status !== 'success') throw new Error(JSON.stringify(engine.lines))
    expect(seen).toMatchObject({
      upstreamId: job.taskId,
      result: { durationMs: 600, animation: 'NO_FACE_FOUND', animatedShare: 0 },
    })
    expect(seen.completedAt).toBeGreaterThan(seen.createdAt ?? Number.POSITIVE_INFINITY)
    expect(seen.result.resultUrl).toMatch(/^\/media\/[\w-]{36}\/lipsync\.mp4$/)
    expect(await probe(engine.files.resolve(seen.result.resultUrl) ?? '')).toMatchObject({ seconds: 0.6, frames: 15 })
    expect(existsSync(engine.files.resolve(seen.result.coverUrl ?? '') ?? '')).toBe(true)
    expect(await readdir(join(engine.dataDir, 'work'))).toEqual([])
    expect(await readdir(join(engine.dataDir, 'jobs', 'pending'))).toEqual([])
    expect(await engine.upstream.findJob?.(job, AbortSignal.timeout(9_999))).toEqual(seen)
    expect(engine.lines.filter(line => line.taskId).map(line => line.msg)).toEqual(['job started', 'job done'])
    expect(JSON.stringify(engine.lines)).not.toContain('secret')
  })

  test('submitted twice is one, also at once, also when it ended', async () => {
    await using server = await serve({ '/video': 'x', '/audio': 'x' })
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    expect(await Promise.all([engine.submit(job), engine.submit(job)])).toEqual([job.taskId, job.taskId])
    expect(await engine.ended(job.taskId)).toMatchObject({ status: 'failed' })
    expect(await engine.submit(job)).toBe(job.taskId)
    expect(engine.lines.filter(line => line.msg === 'job started')).toHaveLength(1)
  })

  test('fails with a reason, and the reason stays', async () => {
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

  test('takes the files that the gateway itself serves from disk', async () => {
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
    await using engine = await startEngine({ limits: { concurrency: 1 } })
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

  test('that takes too long is killed and failed', async () => {
    const hold = holding()
    await using server = await serve({ '/video': hold.handler, '/audio': files['/audio']! })
    await using engine = await startEngine({ limits: { jobSeconds: 1, jobSecondsPerSecond: 0 } })
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await engine.submit(job)
    expect(await engine.ended(job.taskId)).toMatchObject({ message: 'It took longer than 1 s, and was stopped.' })
    if (hasProc) expect(jobsOf(process.pid)).toEqual([])
  })

  test.skipIf(!hasProc)('whose process is killed by somebody else is failed', async () => {
    const hold = holding()
    await using server = await serve({ '/video': hold.handler, '/audio': files['/audio']! })
    await using engine = await startEngine()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await engine.submit(job)
    const request = await hold.request()
    for (const pid of jobsOf(process.pid)) process.kill(pid, 'SIGKILL')
    await gone(request)
    expect(await engine.ended(job.taskId)).toMatchObject({ message: 'The engine crashed while it made the video.' })
  })

  test('that nobody submitted is not found', async () => {
    await using engine = await startEngine()
    for (const id of ['nobody', '../jobs/done/x', '']) {
      await expect(engine.getJob(id)).rejects.toMatchObject({ name: 'UpstreamError', kind: 'not-found' })
    }
    expect(
      await engine.upstream.findJob?.(submitRequestOf('http://a/', 'http://b/'), AbortSignal.timeout(9_999)),
    ).toBeNull()
    await expect(engine.submit(submitRequestOf('http://a/', 'http://b/', '../x'))).rejects.toMatchObject({
      kind: 'rejected',
    })
  })
})

describe('the engine', () => {
  test('does not start without an FFmpeg, and says in one line what to do', async () => {
    await expect(checkPackages(null, { hasCore: () => false })).rejects.toThrow(
      /^[^\n]*npm install @ffmpeg\/core[^\n]*$/,
    )
    await expect(startEngine({ ffmpegPath: '/nowhere/ffmpeg' })).rejects.toThrow(
      /^FFmpeg cannot be run as "\/nowhere\/ffmpeg"[^\n]*$/,
    )
    await expect(startEngine({ ffmpegPath: process.execPath })).rejects.toThrow(/^FFmpeg cannot be run as[^\n]*$/)
  })

  test('does not start without the packages of the mouth, and names those that are missing in one line', async () => {
    const missingOfMouth = () => ['@vladmandic/human', '@tensorflow/tfjs-core']
    await expect(checkPackages('ffmpeg-of-nobody', { missingOfMouth })).rejects.toThrow(/^FFmpeg cannot be run/)
    await expect(checkPackages(null, { missingOfMouth })).rejects.toThrow(
      /^[^\n]*"npm install @vladmandic\/human @tensorflow\/tfjs-core"\.$/,
    )
    await expect(checkPackages(null, { missingOfMouth, hasCore: () => false })).rejects.toThrow(
      /^[^\n]*"npm install @ffmpeg\/core @vladmandic\/human @tensorflow\/tfjs-core"\.[^\n]*FFMPEG_PATH[^\n]*$/,
    )
  })
})
