import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Ffmpeg } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createNativeFfmpeg } from '../../../src/upstream/engine/worker/ffmpeg/native-ffmpeg.js'
import { runWorker, type WorkerEnd } from '../../../src/upstream/engine/worker-process.js'
import { clip, film, hasNative, make, temporaryFolder, tone, wasm } from '../../support/engine-media.js'
import { hasProc, peakMegabytes, workerOf } from '../../support/engine-processes.js'
import { makeIn, writeWorkerInput } from '../../support/engine-worker.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media work takes time on a busy machine.

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']

/** A WAV of 20,000 silent samples that claims a sample rate. */
function slowWav(rate: number): Buffer {
  const file = Buffer.alloc(44 + 20_000, 0)
  file.write('RIFF')
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WAVEfmt ', 8)
  for (const [at, value] of [16, 0x00010001, rate, 2 * rate, 0x00100002].entries())
    file.writeUInt32LE(value, 16 + 4 * at)
  file.write('data', 36)
  file.writeUInt32LE(20_000, 40)
  return file
}

/** A picture of 640x480 that claims that its pixels are 100 times as wide as high. */
function wide() {
  return clip({ size: '640x480', seconds: 0.2, options: ['-vf', 'setsar=100', ...X264] })
}

/** Sound beside a picture of 3000x3000. */
function soundWithPicture() {
  const inputs = ['-f', 'lavfi', '-i', 'color=black:s=3000x3000:r=1:d=1', '-f', 'lavfi', '-i', 'sine=d=0.4']
  return make(...inputs, '-c:v', 'tiff', '-compression_algo', 'deflate', '-c:a', 'aac', '-f', 'mov')
}

const engines: [string, Ffmpeg, boolean][] = [
  ['WebAssembly', wasm, true],
  ['native', createNativeFfmpeg('ffmpeg', 1920 * 1080), hasNative],
]

describe.each(engines)('%s FFmpeg', (_name, ffmpeg, isThere) => {
  const failure = async (inputs: { video?: Buffer; audio?: Buffer }): Promise<string> => {
    await using folder = await temporaryFolder()
    const all = { video: await clip({ seconds: 0.2 }), audio: await tone(0.2), ...inputs }
    return await makeIn(folder.path, ffmpeg, all).then(
      () => 'none',
      error => `${error.name}: ${error.message}`,
    )
  }

  test.skipIf(!isThere).each([1, 10, 3_999])('refuses sound of %i Hz before it is resampled', async rate => {
    expect(await failure({ audio: slowWav(rate) })).toBe(
      `JobFailure: audio: its sample rate of ${rate} Hz is too low, at least 4000 Hz is needed`,
    )
  })

  test.skipIf(!isThere)('refuses a picture that is too large with square pixels', async () => {
    expect(await failure({ video: await wide() })).toMatch(/^JobFailure: video: 64000x480 is too large/)
  })

  test.skipIf(!isThere)('does not decode a picture above the limit beside the sound', async () => {
    const logs: string[] = []
    const logged: Ffmpeg = {
      async run(args, pipes) {
        const ended = await ffmpeg.run(args, pipes)
        logs.push(...ended.log)
        return ended
      },
    }
    await using folder = await temporaryFolder()
    await makeIn(folder.path, logged, { video: await clip({ seconds: 0.2 }), audio: await soundWithPicture() })
    expect(logs.join('\n')).toMatch(/exceeds specified max pixel count|Picture size 3000x3000 is invalid/)
  })

  test.skipIf(!isThere)('decodes 1920x1080', async () => {
    await using folder = await temporaryFolder()
    const video = await clip({ size: '1920x1080', seconds: 0.08 })
    expect(await makeIn(folder.path, ffmpeg, { video, audio: await tone(0.08) })).toMatchObject({ durationMs: 80 })
  })
})

/** Runs a worker process, and returns how it ended and its peak memory. */
async function runIn(
  folder: string,
  inputs: { video: Buffer; audio: Buffer },
): Promise<{ end: WorkerEnd; megabytes: number }> {
  const input = await writeWorkerInput(folder, inputs)
  const ended = runWorker(input, new AbortController().signal, () => {})
  const peak = hasProc ? peakMegabytes(await workerOf(process.pid)) : () => 0
  const end = await ended
  return { end, megabytes: peak() }
}

test.skipIf(!hasProc)('the memory of a worker is bounded, whatever the file claims', async () => {
  await using folder = await temporaryFolder()
  const { end, megabytes } = await runIn(folder.path, { video: await film(0.2), audio: slowWav(1) })
  expect(end).toMatchObject({ status: 'failed', message: expect.stringMatching(/^audio: its sample rate of 1 Hz/) })
  expect(megabytes).toBeGreaterThan(30)
  expect(megabytes).toBeLessThan(400)
})

describe.skipIf(!hasProc)('a full disk is reported as such', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-full-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(['audio.pcm', 'video.i420', 'lipsync.mp4', 'cover.jpg'])('when %s is written', async name => {
    const own = join(folder, name)
    await mkdir(join(own, 'work'), { recursive: true })
    symlinkSync('/dev/full', join(own, 'work', name))
    const { end } = await runIn(own, { video: await clip({ seconds: 0.2 }), audio: await tone(0.2) })
    expect(end).toMatchObject({ status: 'failed', message: 'The disk is full.', detail: expect.any(String) })
  })
})
