import { loadFaceModels } from '../face/face-models.js'
import { createFaceTracker, type TrackedFace } from '../face/face-tracker.js'
import { eyeDistance, type Face } from '../face/landmarks.js'
import { smoothFaces } from '../face/smooth-faces.js'
import type { Picture } from '../frames/i420.js'
import { mouthTargets } from '../speech/mouth-targets.js'
import { type Complexion, complexionOf, paletteFor } from './mouth-inside.js'
import { MAX_CLOSED_GAP, type MouthRest, mouthMove } from './mouth-move.js'
import { type MouthShape, mouthShape } from './mouth-shape.js'
import { createMouthPainter } from './paint-mouth.js'

export interface MouthInput {
  /** Size of the frames in pixels, both even. */
  readonly width: number
  readonly height: number
  /** Output frames per second. */
  readonly fps: number
  /** The source frame that each output frame shows, counted from 0. */
  readonly frameMap: readonly number[]
  /** Returns a source frame in I420. It is used before the next call, and is not changed. */
  readFrame(index: number): Uint8Array
  /** The new speech: mono, -1 to 1, at `SPEECH_RATE`, starting with the first output frame. */
  readonly speech: Float32Array
  /** Gets the progress of the preparation, 0 to 1. */
  onProgress?(share: number): void
}

export interface Mouth {
  /** Moves the mouth in an output frame, in place. @param frame I420, a copy of the source frame */
  paint(frame: Uint8Array, sourceIndex: number, outputIndex: number): void
  /** Whether any of the frames shows a face to animate. */
  readonly animation: 'ANIMATED' | 'NO_FACE_FOUND'
  /** The share of output frames whose mouth is moved, 0 to 1. */
  readonly animatedShare: number
}

/** Faces with a smaller distance between the outer corners of their eyes, in pixels, are not changed. */
const MIN_EYE_DISTANCE = 14
/** Progress is reported, and the event loop continues, once in this many frames. */
const YIELD_EVERY = 8

/**
 * Prepares the mouth of a speaker to follow new speech: it tracks the face through all source frames that are shown, each
 * once and in order, and turns the speech into targets. For each output frame, the lower face is then warped from the
 * mouth in the source to the target, so movements of the mouth in the source do not show.
 *
 * The same input always produces the same bytes.
 */
export async function prepareMouth(input: MouthInput): Promise<Mouth> {
  const { width, height, frameMap } = input
  const shown = [...new Set(frameMap)].sort((a, b) => a - b)
  const { faces, complexions } = await trackFace(input, shown)
  const byIndex = new Map(shown.map((index, i) => [index, usable(faces[i]!)]))
  const measures = [...byIndex.values()].filter(face => face !== null).map(face => measure(mouthShape(face)))
  if (measures.length === 0) return { paint: () => {}, animation: 'NO_FACE_FOUND', animatedShare: 0 }

  const rest = restOf(measures)
  const palette = paletteFor(complexions)
  const { open, spread } = mouthTargets(input.speech, input.fps, frameMap.length)
  const paintMouth = createMouthPainter()
  return {
    paint(frame, sourceIndex, outputIndex) {
      const face = byIndex.get(sourceIndex)
      if (!face) return
      const move = mouthMove(mouthShape(face), rest, open[outputIndex] ?? 0, spread[outputIndex] ?? 0)
      paintMouth({ data: frame, width, height }, move, palette)
    },
    animation: 'ANIMATED',
    animatedShare: frameMap.filter(index => byIndex.get(index)).length / frameMap.length,
  }
}

async function trackFace({ width, height, readFrame, onProgress }: MouthInput, shown: readonly number[]) {
  using models = await loadFaceModels()
  const tracker = createFaceTracker(models)
  const tracked: TrackedFace[] = []
  const complexions: Complexion[] = []
  for (const [i, index] of shown.entries()) {
    const picture: Picture = { data: readFrame(index), width, height }
    const found = tracker.track(picture)
    tracked.push(found)
    if (found.face) complexions.push(complexionOf(picture, found.face))
    if (i % YIELD_EVERY === YIELD_EVERY - 1) {
      onProgress?.((i + 1) / shown.length)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  onProgress?.(1)
  return { faces: smoothFaces(tracked), complexions }
}

function usable(face: Face | null): Face | null {
  return face && eyeDistance(face) >= MIN_EYE_DISTANCE ? face : null
}

function measure({ gap, width, eyes }: MouthShape) {
  return { gap: gap / eyes, width: width / eyes }
}

/** The lips count as closed in the frames where their gap is smallest. */
function restOf(measures: readonly ReturnType<typeof measure>[]): MouthRest {
  const gaps = measures.map(({ gap }) => gap).sort((a, b) => a - b)
  const widths = measures.map(({ width }) => width).sort((a, b) => a - b)
  return {
    closedGap: Math.min(MAX_CLOSED_GAP, gaps[Math.floor(gaps.length * 0.1)]!),
    width: widths[Math.floor(widths.length / 2)]!,
  }
}
