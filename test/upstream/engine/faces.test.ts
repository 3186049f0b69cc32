import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { JobFailure } from '../../../src/upstream/engine/job-failure.js'
import { readFrom } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { clip, make, temporaryFolder, tone, turned, wasm } from '../../support/engine-media.js'
import { makeIn } from '../../support/engine-worker.js'
import { MEDIA } from '../../support/mouth-media.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast']

/** Some frames of the presenter, small, after a filter. */
function presenter({ filter = 'scale=320:180', seconds = 0.4, options = [...X264, '-pix_fmt', 'yuv420p'] } = {}) {
  const video = readFrom(fileURLToPath(MEDIA.presenter))
  return make('-i', video, '-t', String(seconds), '-vf', filter, ...options, '-an', '-f', 'mp4')
}
function speech(seconds = 0.4, options: string[] = []) {
  return make('-i', readFrom(fileURLToPath(MEDIA.speech)), '-t', String(seconds), ...options, '-f', 'wav')
}

async function run(video: Buffer, audio: Buffer) {
  await using folder = await temporaryFolder()
  const { durationMs, animation, animatedShare } = await makeIn(folder.path, wasm, {
    ...{ video, audio, playbackType: 'normal_reverse' },
  })
  return { durationMs, animation, animatedShare }
}

let words: Buffer
beforeAll(async () => {
  words = await speech()
})

describe('a face is found and animated', () => {
  test.each([
    ['with odd sides', { filter: 'scale=321:181', options: ['-c:v', 'libx264rgb', '-preset', 'ultrafast'] }],
    ['in a single frame', { seconds: 0.04 }],
    [
      'at a variable rate',
      { filter: "scale=320:180,select='not(mod(n,3))+lt(n,4)'", options: [...X264, '-vsync', 'vfr'] },
    ],
    ['at 120 frames a second', { filter: 'scale=320:180,fps=120', seconds: 0.1 }],
    ['at one frame a second', { filter: 'scale=320:180,fps=1', seconds: 2 }],
    ['with pixels that are not square', { filter: 'scale=160:180,setsar=2' }],
    ['in the middle of a tall picture', { filter: 'scale=320:180,pad=320:640:0:230' }],
  ])('%s', async (_what, video) => {
    const made = await run(await presenter(video), words)
    expect(made).toMatchObject({ animation: 'ANIMATED', animatedShare: 1 })
    expect(Math.abs(made.durationMs! - 400)).toBeLessThanOrEqual(67)
  })

  test('in a video that is to be shown turned', async () => {
    const video = turned(await presenter({ filter: 'scale=320:180,transpose=cclock' }))
    expect(await run(video, words)).toMatchObject({ animation: 'ANIMATED', animatedShare: 1 })
  })

  test.each([
    ['8 kHz, mono', ['-ar', '8000', '-ac', '1'], 0.4],
    ['96 kHz, six channels', ['-ar', '96000', '-ac', '6'], 0.4],
    ['a tenth of a second', [], 0.1],
    ['a hundredth of a second', [], 0.01],
  ])('with sound of %s', async (_what, options, seconds) => {
    const made = await run(await presenter(), await speech(seconds, options))
    expect(made).toMatchObject({ animation: 'ANIMATED', animatedShare: 1 })
    expect(made.durationMs!).toBe(Math.max(40, Math.round(seconds * 25) * 40))
  })
})

test.each(['2x2', '2000x2', '2x2000', '48x28'])('a picture of %s shows no face, and is given its audio', async size => {
  const video = await presenter({ filter: `scale=${size}` })
  expect(await run(video, words)).toEqual({ durationMs: 400, animation: 'NO_FACE_FOUND', animatedShare: 0 })
})

test('a video that shows a face for half its time is animated there', async () => {
  const filter = "scale=320:180,geq=lum='if(lt(N,5),lum(X,Y),40)':cb=cb(X\\,Y):cr=cr(X\\,Y)"
  const made = await run(await presenter({ filter }), words)
  expect(made).toEqual({ durationMs: 400, animation: 'ANIMATED', animatedShare: 0.5 })
})

test('a video of no length is a failure with a reason', async () => {
  const fragments = [...X264, '-movflags', '+frag_keyframe+empty_moov']
  const video = await clip({ options: fragments })
  const empty = video.subarray(0, video.indexOf('moof') - 4)
  const thrown = await run(empty, await tone(0.1)).catch((error: Error) => error)
  expect(thrown).toBeInstanceOf(JobFailure)
  expect(thrown).toMatchObject({ message: expect.stringMatching(/^video: /) })
})
