import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { PLAYBACK_TYPES, type PlaybackType } from '../../../src/tasks/task.js'
import { JobFailure } from '../../../src/upstream/engine/job-failure.js'
import type { JobLimits } from '../../../src/upstream/engine/job-limits.js'
import type { Ffmpeg } from '../../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createNativeFfmpeg } from '../../../src/upstream/engine/worker/ffmpeg/native-ffmpeg.js'
import { createFrameMap } from '../../../src/upstream/engine/worker/frames/frame-map.js'
import type { LipSyncOutcome } from '../../../src/upstream/engine/worker/messages.js'
import {
  brightening,
  clip,
  film,
  hasNative,
  make,
  type Probe,
  probe,
  temporaryFolder,
  tone,
  turned,
  wasm,
} from '../../support/engine-media.js'
import { makeIn } from '../../support/engine-worker.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // Media takes its time on a busy machine.

interface Looked extends Probe, LipSyncOutcome {
  /** Of the video and the cover, in hex. */
  readonly starts: string[]
  readonly indexFirst: boolean
  readonly hash: string
}

let second: { video: Buffer; audio: Buffer }
/** For tests whose subject is not the length: each frame costs a search for faces. */
let short: Buffer
beforeAll(async () => {
  second = { video: await clip(), audio: await tone() }
  short = await tone(0.2)
})

const engines: [string, Ffmpeg, boolean][] = [
  ['WebAssembly', wasm, true],
  ['native', createNativeFfmpeg('ffmpeg', 1920 * 1080), hasNative],
]

describe.each(engines)('%s FFmpeg', (_name, ffmpeg, isThere) => {
  /** Makes a lip sync of two files, and looks at what came out. */
  const run = async (
    { video = second.video, audio = second.audio }: { video?: Buffer; audio?: Buffer },
    { playbackType = 'normal' as PlaybackType, ...limits }: Partial<JobLimits> & { playbackType?: PlaybackType } = {},
  ): Promise<Looked> => {
    await using folder = await temporaryFolder()
    const made = await makeIn(folder.path, ffmpeg, { video, audio, playbackType, limits })
    const mp4 = await readFile(made.video)
    const cover = await readFile(made.cover)
    const hash = createHash('sha256').update(mp4).digest('hex')
    const indexFirst = mp4.indexOf('moov') < mp4.indexOf('mdat')
    const starts = [mp4.subarray(4, 8).toString(), cover.subarray(0, 3).toString('hex')]
    return { ...(await probe(made.video)), ...made, starts, indexFirst, hash }
  }

  describe.skipIf(!isThere)('makes', () => {
    test('H.264 and AAC with the index in front, a JPEG, and says that it is synthetic', async () => {
      const made = await run({ video: await film(), audio: await tone(1.5) })
      expect(made.streams).toEqual(['Video: h264', 'Audio: aac'])
      expect(made).toMatchObject({ width: 64, height: 48, durationMs: 1520, seconds: 1.52, frames: 38 })
      expect(made.audioSeconds).toBeCloseTo(1.5, 1)
      expect(made.comment).toBe('Synthetic: lip-synced by lipsync-gateway')
      expect(made).toMatchObject({ indexFirst: true, starts: ['ftyp', 'ffd8ff'] })
    })

    test.each(PLAYBACK_TYPES)(
      'as long as the audio, %s: every frame is the one that it should be',
      async playbackType => {
        const made = await run({ video: await brightening(10), audio: await tone(0.84) }, { playbackType })
        expect(made).toMatchObject({ frames: 21, seconds: 0.84, durationMs: 840 })
        const map = createFrameMap(playbackType, 10, 21)
        expect(made.brightness).toEqual(Array.from({ length: 21 }, (_, index) => map(index)))
      },
    )

    test('the same file twice', async () => {
      expect((await run({ audio: short })).hash).toBe((await run({ audio: short })).hash)
    })

    test('an output cut where the audio ends', async () => {
      expect(await run({ audio: await tone(0.4) })).toMatchObject({ frames: 10, durationMs: 400 })
    })

    test('something of 0.1 s of audio and of a video of one frame', async () => {
      expect(await run({ audio: await tone(0.1) })).toMatchObject({ frames: 3, durationMs: 120 })
      expect(await run({ video: await clip({ seconds: 0.04 }) })).toMatchObject({ frames: 25, durationMs: 1000 })
    })

    test('even sides of odd ones, square pixels of others, upright pictures of turned ones', async () => {
      const rgb = ['-c:v', 'libx264rgb', '-preset', 'ultrafast']
      const odd = await clip({ size: '65x49', options: rgb })
      expect(await run({ video: odd, audio: short })).toMatchObject({ width: 64, height: 48 })
      const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast']
      const wide = await clip({ options: [...x264, '-aspect', '8:3'] })
      expect(await run({ video: wide, audio: short })).toMatchObject({ width: 128, height: 48 })
      expect(await run({ video: turned(await clip()), audio: short })).toMatchObject({ width: 48, height: 64 })
    })

    test('a steady rate of a variable one, and a sane one of others', async () => {
      const select = [
        '-vf',
        "select='not(mod(n,3))+lt(n,10)'",
        '-vsync',
        'vfr',
        '-c:v',
        'libx264',
        '-preset',
        'ultrafast',
      ]
      expect(await run({ video: await clip({ options: select }) })).toMatchObject({ frames: 25 })
      expect(await run({ video: await clip({ fps: 120 }) })).toMatchObject({ frames: 30 })
      expect(await run({ video: await clip({ fps: 5, seconds: 2 }) })).toMatchObject({ frames: 15 })
      expect(await run({ video: await clip({ fps: '30000/1001' }) })).toMatchObject({ frames: 30, durationMs: 1001 })
    })

    test('the colours of the source', async () => {
      const tags = ['-colorspace', 'bt709', '-color_primaries', 'bt470bg', '-color_trc', 'smpte170m']
      const video = await clip({ options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-color_range', 'tv', ...tags] })
      expect(await run({ video, audio: short })).toMatchObject({ colours: 'bt709/bt470bg/smpte170m' })
      expect(await run({ audio: short })).toMatchObject({ colours: undefined })
    })

    test.each([8_000, 44_100, 96_000])('sound of %i Hz', async rate => {
      const made = await run({ audio: await tone(0.2, ['-ar', String(rate)]) })
      expect(made.durationMs).toBe(200)
    })

    test('the sound of a film', async () => {
      expect((await run({ audio: await film(0.6) })).audioSeconds).toBeCloseTo(0.6, 1)
    })
  })

  describe.skipIf(!isThere)('says which input is wrong, and why:', () => {
    const halved = (file: Buffer) => file.subarray(0, file.length / 2)
    const html = Buffer.from('\n<!DOCTYPE html><html><body>Sign in to see this file</body></html>')
    const fast = ['-c:v', 'libx264', '-preset', 'ultrafast', '-movflags', '+faststart']
    const playlist = Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n')

    const wrong: [string, () => Promise<Parameters<typeof run>[0]>, RegExp, Partial<JobLimits>?][] = [
      ['a web page', async () => ({ video: html }), /^video: the file is a web page/],
      ['a web page', async () => ({ audio: html }), /^audio: the file is a web page/],
      ['an empty file', async () => ({ audio: Buffer.alloc(0) }), /^audio: the file is empty$/],
      ['noise', async () => ({ video: Buffer.from('noise '.repeat(999)) }), /^video: the file is (damaged|of a kind)/],
      ['a playlist', async () => ({ video: playlist }), /^video: the file is/],
      ['a video without its index', async () => ({ video: halved(second.video) }), /^video: the file is cut off/],
      ['a cut video', async () => ({ video: halved(await clip({ options: fast })) }), /^video: the file is cut off/],
      ['a cut WAV', async () => ({ audio: halved(await tone(2)) }), /^audio: the file is cut off/],
      ['sound for a video', async () => ({ video: second.audio }), /^video: the file has no video track$/],
      ['a silent film for sound', async () => ({ audio: second.video }), /^audio: the file has no audio track$/],
      ['no samples', async () => ({ audio: second.audio.subarray(0, 78) }), /^audio: /],
      ['too long', async () => ({ audio: await tone(3) }), /^audio: it is longer than 2 s$/, { durationSeconds: 2 }],
      ['too large a picture', async () => ({}), /^video: 64x48 is too large/, { pixels: 3_000 }],
      ['far too large a picture', async () => ({}), /^video: the picture is too large/, { pixels: 100 }],
      ['too many frames', async () => ({}), /^video: its frames need more than/, { spoolBytes: 20_000 }],
    ]
    test.each(wrong)('%s', async (_what, files, message, limits = {}) => {
      const thrown = await run(await files(), limits).catch((error: Error) => error)
      expect(thrown).toBeInstanceOf(JobFailure)
      expect(thrown).toMatchObject({ message: expect.stringMatching(message) })
    })
  })
})

test('a damaged video gives a result or a reason, at each of many places of damage', async () => {
  await using folder = await temporaryFolder()
  const video = await make('-f', 'lavfi', '-i', 'testsrc2=s=64x48:d=0.2', '-c:v', 'mpeg4', '-f', 'avi')
  for (let place = 0; place < 12; place++) {
    const damaged = Buffer.from(video)
    const from = Math.floor((damaged.length * place) / 12)
    damaged.fill(0xff, from, from + 40)
    const ended = await makeIn(folder.path, wasm, { video: damaged, audio: short }).catch(String)
    expect(
      (typeof ended === 'object' && ended.durationMs === 200) || /^JobFailure: video: /.test(String(ended)),
      String(ended),
    ).toBe(true)
  }
})
