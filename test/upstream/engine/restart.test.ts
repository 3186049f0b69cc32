import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { startEngine, submitRequestOf } from '../../support/engine.js'
import { clip, gone, hasNative, holding, serve, temporaryFolder, tone } from '../../support/engine-media.js'
import { hasProc, membersOf, startHost, workersOf } from '../../support/engine-processes.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

let files: Record<string, Buffer>
beforeAll(async () => {
  files = { '/video': await clip(), '/audio': await tone(0.6) }
})

test('a download is stopped when the engine is disposed, and starts again with the next', async () => {
  const hold = holding()
  await using server = await serve({ ...files, '/video': hold.handler })
  await using folder = await temporaryFolder()
  const job = submitRequestOf(server.url('/video'), server.url('/audio'))
  {
    await using engine = await startEngine({ dataDir: folder.path })
    await engine.submit(job)
    const request = await hold.request()
    await engine.upstream[Symbol.asyncDispose]()
    await gone(request)
    expect(await readdir(join(folder.path, 'work'))).toEqual([])
    await expect(engine.submit(submitRequestOf('http://a/', 'http://b/'))).rejects.toMatchObject({
      kind: 'not-accepted',
    })
  }
  server.files['/video'] = files['/video']!
  await using engine = await startEngine({ dataDir: folder.path })
  expect(await engine.ended(job.taskId)).toMatchObject({ status: 'success' })
})

describe.each([
  { kind: 'WebAssembly', ffmpegPath: '', isThere: true, size: 1 },
  { kind: 'native', ffmpegPath: 'ffmpeg', isThere: hasNative, size: 2 },
])('a kill -9 while the $kind FFmpeg runs', ({ ffmpegPath, isThere, size }) => {
  test.skipIf(!hasProc || !isThere)('leaves no process behind, and the job goes on later', async () => {
    const long = { '/audio': await tone(20, ['-ar', '8000']), '/video': await clip({ size: '640x480', seconds: 0.2 }) }
    await using server = await serve({ ...long })
    await using folder = await temporaryFolder()
    const job = submitRequestOf(server.url('/video'), server.url('/audio'))
    await using host = await startHost(folder.path, job, ffmpegPath)
    await appears(join(folder.path, 'work', job.taskId), 'lipsync.mp4')
    const [group = 0] = workersOf(host.pid)
    expect(membersOf(group)).toHaveLength(size)
    await host[Symbol.asyncDispose]()
    await expect.poll(() => membersOf(group), { interval: 5 }).toEqual([])

    server.files['/audio'] = files['/audio']!
    await using engine = await startEngine({ dataDir: folder.path })
    expect(await engine.ended(job.taskId)).toMatchObject({ status: 'success', result: { durationMs: 600 } })
    expect(await readdir(join(folder.path, 'work'))).toEqual([])
  })
})

/** Resolves when a folder has an entry of this name. */
async function appears(folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const watcher = watch(folder)
  while (!existsSync(join(folder, name))) await once(watcher, 'change')
  watcher.close()
}
