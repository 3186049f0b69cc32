import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PLAYBACK_TYPES, type PlaybackType } from '../../../src/tasks/task.js'
import { createFrameMap } from '../../../src/upstream/engine/worker/frames/frame-map.js'

function frames(type: PlaybackType, sourceFrames: number, outputFrames: number): number[] {
  return Array.from({ length: outputFrames }, (_, index) => createFrameMap(type, sourceFrames, outputFrames)(index))
}

const count = fc.integer({ min: 1, max: 400 })
const type = fc.constantFrom(...PLAYBACK_TYPES)

describe('a short source', () => {
  test('normal is played once and holds its last frame', () => {
    expect(frames('normal', 3, 7)).toEqual([0, 1, 2, 2, 2, 2, 2])
  })

  test('normal_reverse goes there and back until the end', () => {
    expect(frames('normal_reverse', 3, 8)).toEqual([0, 1, 2, 1, 0, 1, 2, 1])
  })

  test('normal_reverse_by_audio turns early, so as to end on frame 0', () => {
    expect(frames('normal_reverse_by_audio', 4, 9)).toEqual([0, 1, 2, 1, 0, 1, 2, 1, 0])
    expect(frames('normal_reverse_by_audio', 10, 11)).toEqual([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0])
  })
})

test('a source that is long enough is played forward and cut, whichever the type', () => {
  fc.assert(
    fc.property(type, count, count, (playback, more, outputFrames) => {
      expect(frames(playback, outputFrames + more - 1, outputFrames)).toEqual([...Array(outputFrames).keys()])
    }),
  )
})

test('every output frame shows a frame that exists, and none is jumped over', () => {
  fc.assert(
    fc.property(type, count, count, (playback, sourceFrames, outputFrames) => {
      const shown = frames(playback, sourceFrames, outputFrames)
      expect(shown[0]).toBe(0)
      expect(shown.every(index => Number.isInteger(index) && index >= 0 && index < sourceFrames)).toBe(true)
      expect(shown.every((index, at) => at === 0 || Math.abs(index - shown[at - 1]!) <= 1)).toBe(true)
    }),
  )
})

test('normal_reverse shows the whole of a source that it has the time for', () => {
  fc.assert(
    fc.property(count, count, (sourceFrames, more) => {
      expect(new Set(frames('normal_reverse', sourceFrames, sourceFrames + more)).size).toBe(sourceFrames)
    }),
  )
})

test('normal_reverse_by_audio ends where it began, when the source is short', () => {
  fc.assert(
    fc.property(count, count, (sourceFrames, more) => {
      expect(frames('normal_reverse_by_audio', sourceFrames, sourceFrames + more).at(-1)).toBe(0)
    }),
  )
})
