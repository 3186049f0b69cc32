import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadFaceModels } from '../../../src/upstream/engine/worker/face/face-models.js'
import { createFaceTracker } from '../../../src/upstream/engine/worker/face/face-tracker.js'
import { createFrameMap } from '../../../src/upstream/engine/worker/frames/frame-map.js'
import { startEngineGateway } from '../../support/engine-gateway.js'
import { serve } from '../../support/engine-media.js'
import {
  bestLag,
  correlation,
  decodeFrames,
  decodeSpeech,
  FPS,
  loudnessPerFrame,
  MEDIA,
  readGap,
  SPEECH_RATE,
} from '../../support/mouth-media.js'

const [width, height] = [640, 360]
/** Of the videos that are given, in frames. */
const SOURCE_FRAMES = 100

/**
 * Four tasks by a whole gateway, each in a process of its own; what follows measures what they left. No look comes by
 * itself while they are made: a minute is far away.
 */
async function makeAll() {
  await using server = await serve({ '/talking.mp4': await readFile(MEDIA.talking) })
  await using gateway = await startEngineGateway({
    engine: { concurrency: 2, allowedHosts: [server.host] },
    poll: { firstMs: 60_000, minMs: 60_000, maxMs: 60_000 },
  })
  const make = async (video: string, playbackType: string) => {
    const videoUrl = new URL(video, video.startsWith('/media') ? gateway.url : server.url('/')).href
    const told = await gateway.make({ videoUrl, audioUrl: `${gateway.url}/media/sample/speech.m4a`, playbackType })
    const { result, failure } = told.at(-1)!
    if (!result) throw new Error(failure?.message)
    const file = gateway.fileOf(result.resultUrl)
    const hash = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    return { told, result, hash, frames: await decodeFrames(file, width, height) }
  }
  const presenter = '/media/sample/presenter.mp4'
  const [still, again, thereAndBack, byAudio] = await Promise.all([
    make(presenter, 'NORMAL'),
    make(presenter, 'NORMAL'),
    make('/talking.mp4', 'NORMAL_REVERSE'),
    make('/talking.mp4', 'NORMAL_REVERSE_BY_AUDIO'),
  ])
  return { still, again, thereAndBack, byAudio }
}

let made: Awaited<ReturnType<typeof makeAll>>
let speech: Float32Array
let other: Float32Array
let models: Awaited<ReturnType<typeof loadFaceModels>>

beforeAll(async () => {
  made = await makeAll()
  speech = await decodeSpeech(MEDIA.speech)
  other = await decodeSpeech(MEDIA.otherSpeech)
  models = await loadFaceModels()
}, 180_000)
afterAll(() => models?.[Symbol.dispose]())

function gapsOf(frames: readonly Uint8Array[]) {
  const tracker = createFaceTracker(models)
  return frames.map(frame => readGap(tracker, frame, width, height))
}

describe('measured on the decoded output', { timeout: 60_000 }, () => {
  test('a still mouth follows its speech, and no other', () => {
    const gaps = gapsOf(made.still.frames)
    const own = loudnessPerFrame(speech, gaps.length)
    expect(correlation(gaps, own)).toBeGreaterThanOrEqual(0.5)
    expect(Math.abs(bestLag(gaps, own))).toBeLessThanOrEqual(1)
    expect(Math.abs(correlation(gaps, loudnessPerFrame(other, gaps.length)))).toBeLessThanOrEqual(0.2)
  })

  test.each([
    ['normal_reverse', 'thereAndBack'],
    ['normal_reverse_by_audio', 'byAudio'],
  ] as const)('a mouth that moved, played %s, follows the new speech and not the old', (playbackType, name) => {
    const gaps = gapsOf(made[name].frames)
    const frameMap = createFrameMap(playbackType, SOURCE_FRAMES, gaps.length)
    const old = loudnessPerFrame(other, SOURCE_FRAMES)
    const [own, heardThen] = [loudnessPerFrame(speech, gaps.length), gaps.map((_, index) => old[frameMap(index)]!)]
    expect(correlation(gaps, own)).toBeGreaterThanOrEqual(0.45)
    expect(Math.abs(bestLag(gaps, own))).toBeLessThanOrEqual(1)
    expect(Math.abs(correlation(gaps, heardThen))).toBeLessThanOrEqual(0.2)
  })

  test('it is as long as the audio, to a frame', () => {
    const seconds = speech.length / SPEECH_RATE
    for (const { frames, result } of Object.values(made)) {
      expect(Math.abs(frames.length / FPS - seconds)).toBeLessThanOrEqual(1 / FPS)
      expect(Math.abs(result.durationSeconds - seconds)).toBeLessThanOrEqual(1 / FPS)
    }
  })

  test('the same inputs give the same file, byte for byte', () => {
    expect(made.again.hash).toBe(made.still.hash)
    expect(made.byAudio.hash).not.toBe(made.thereAndBack.hash)
  })
})

describe('a task of the built-in engine', () => {
  test('tells what became of the mouth', () => {
    for (const { result } of Object.values(made))
      expect(result).toMatchObject({ animation: 'ANIMATED', animatedShare: 1 })
  })

  test('moves on when the engine says so, with no look in between', () => {
    const stages = ['queued', 'submitting', 'submitted', 'processing', 'success'].map(stage => stage.toUpperCase())
    for (const { told } of Object.values(made)) {
      expect([...new Set(told.map(task => task.stage))]).toEqual(stages)
      expect(told.at(-1)?.history.map(step => step.stage)).toEqual(stages)
    }
  })

  test('pushes its progress without a step in the log', () => {
    for (const { told } of Object.values(made)) {
      const processing = told.filter(task => task.stage === 'PROCESSING')
      const progress = processing.map(task => task.progress ?? -1)
      expect(new Set(processing.map(task => task.cursor)).size).toBe(1)
      expect(progress).toEqual([...progress].sort((a, b) => a - b))
      expect(progress.at(0)).toBeGreaterThanOrEqual(0)
      expect(progress.at(-1)).toBeGreaterThan(0)
      expect(progress.at(-1)).toBeLessThan(1)
      for (const task of told) if (!['SUBMITTED', 'PROCESSING'].includes(task.stage)) expect(task.progress).toBeNull()
    }
  })
})
