import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaceModels, loadFaceModels } from '../../../src/upstream/engine/worker/face/face-models.js'
import { createFaceTracker } from '../../../src/upstream/engine/worker/face/face-tracker.js'
import { prepareMouth } from '../../../src/upstream/engine/worker/mouth/prepare-mouth.js'
import { decodeFrames, decodeSpeech, FPS, MEDIA, readGap, SPEECH_RATE } from '../../support/mouth-media.js'

const [width, height] = [640, 360]
let models: FaceModels
let media: { presenter: Uint8Array[]; talking: Uint8Array[]; speech: Float32Array }

beforeAll(async () => {
  models = await loadFaceModels()
  media = {
    presenter: await decodeFrames(MEDIA.presenter, width, height),
    talking: await decodeFrames(MEDIA.talking, width, height),
    speech: await decodeSpeech(MEDIA.speech),
  }
}, 60_000)
afterAll(() => models?.[Symbol.dispose]())

/** There and back again over the source, until the speech is over. */
function thereAndBack(frames: number, pcm: Float32Array) {
  return Array.from({ length: Math.round((pcm.length / SPEECH_RATE) * FPS) }, (_, i) => {
    const phase = i % Math.max(1, 2 * frames - 2)
    return phase < frames ? phase : 2 * frames - 2 - phase
  })
}

async function speak(source: readonly Uint8Array[], pcm: Float32Array) {
  const frameMap = thereAndBack(source.length, pcm)
  const reads: number[] = []
  const readFrame = (index: number) => {
    reads.push(index)
    return source[index]!
  }
  const mouth = await prepareMouth({ width, height, fps: FPS, frameMap, readFrame, speech: pcm })
  const frames = frameMap.map((index, i) => {
    const frame = new Uint8Array(source[index]!)
    mouth.paint(frame, index, i)
    return frame
  })
  return { mouth, frames, frameMap, reads }
}

function gapsOf(frames: readonly Uint8Array[]) {
  const tracker = createFaceTracker(models)
  return frames.map(frame => readGap(tracker, frame, width, height))
}

test('each frame is read once, and the same input gives the same bytes', async () => {
  const digest = async () => {
    const hash = createHash('sha256')
    const { frames, frameMap, reads } = await speak(media.talking.slice(0, 15), media.speech.subarray(0, SPEECH_RATE))
    expect(reads).toEqual([...new Set(frameMap)].sort((a, b) => a - b))
    for (const frame of frames) hash.update(frame)
    return hash.digest('hex')
  }
  expect(await digest()).toBe(await digest())
}, 60_000)

test('silence closes the mouth of a source that speaks', async () => {
  const open = gapsOf(media.talking.slice(5, 30))
  const { frames } = await speak(media.talking.slice(0, 30), new Float32Array(SPEECH_RATE))
  expect(Math.max(...open)).toBeGreaterThan(0.15)
  expect(Math.max(...gapsOf(frames))).toBeLessThan(0.1)
}, 60_000)

describe('without a face', () => {
  const blank = () => new Uint8Array((width * height * 3) / 2).fill(128)

  test('frames stay as they are, and it is said', async () => {
    const { mouth, frames } = await speak([blank(), blank(), blank()], media.speech.subarray(0, SPEECH_RATE / 2))
    expect(mouth).toMatchObject({ animation: 'NO_FACE_FOUND', animatedShare: 0 })
    expect(frames.every(frame => frame.every(byte => byte === 128))).toBe(true)
  })

  test('only those frames pass through, and the face is found again after a cut', async () => {
    const source = [...media.presenter.slice(0, 4), blank(), blank(), ...media.presenter.slice(60, 64)]
    const { mouth, frames, frameMap } = await speak(source, media.speech.subarray(0, (10 * SPEECH_RATE) / FPS))
    expect(mouth).toMatchObject({ animation: 'ANIMATED', animatedShare: 0.8 })
    const untouched = frames.flatMap((frame, i) => (Buffer.compare(frame, source[frameMap[i]!]!) === 0 ? [i] : []))
    expect(untouched).toEqual([4, 5])
  })
})

test('a picture smaller than any face, and a single frame, are no trouble', async () => {
  const tiny = new Uint8Array(24).fill(128)
  const input = {
    width: 4,
    height: 4,
    fps: FPS,
    frameMap: [0],
    readFrame: () => tiny,
    speech: media.speech,
  }
  expect(await prepareMouth(input)).toMatchObject({ animation: 'NO_FACE_FOUND' })
  const { mouth } = await speak(media.presenter.slice(0, 1), media.speech.subarray(0, 640))
  expect(mouth).toMatchObject({ animation: 'ANIMATED', animatedShare: 1 })
})
