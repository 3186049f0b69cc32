import type { Picture } from '../face/crop-square.js'
import { loadFaceModels } from '../face/face-models.js'
import { createTracker, type Sight } from '../face/face-tracker.js'
import { eyeDistance, type Face } from '../face/landmarks.js'
import { smoothFaces } from '../face/smooth-faces.js'
import { mouthTargets } from '../speech/mouth-targets.js'
import { type Complexion, complexionOf, paletteFor } from './mouth-inside.js'
import { MOST_CLOSED_GAP, type MouthRest, mouthMove } from './mouth-move.js'
import { type MouthShape, mouthShape } from './mouth-shape.js'
import { createMouthPainter } from './paint-mouth.js'

export interface MouthInput {
  /** Size of the frames in pixels, both even. */
  readonly width: number
  readonly height: number
  /** Output frames per second. */
  readonly fps: number
  /** The source frame, counted from 0, that each output frame shows. */
  readonly frameMap: readonly number[]
  /** One source frame in I420. It is read before the next call, and not written to. */
  readFrame(index: number): Uint8Array
  /** The new speech: mono, -1 to 1, beginning with the first output frame. */
  readonly pcm: Float32Array
  /** Of the speech, in Hz. */
  readonly sampleRate: number
  /** Told how much of the preparation is done, 0 to 1. */
  onProgress?(share: number): void
}

export interface Mouth {
  /** Moves the mouth in an output frame, in place. @param frame I420, holding the source frame as it is */
  paint(frame: Uint8Array, sourceIndex: number, outputIndex: number): void
  /** Whether there is a face to animate in any of the frames. */
  readonly face: 'ANIMATED' | 'NO_FACE_FOUND'
  /** The share of output frames whose mouth is moved, 0 to 1. */
  readonly animatedShare: number
}

/** Faces with less than this between the outer corners of their eyes, in pixels, are left as they are. */
const LEAST_EYE_DISTANCE = 14
/** The process that this runs in may have others to answer: it lets them in after so many frames. */
const BREATH_EVERY = 8

/**
 * Prepares to make the speaker's mouth follow new speech.
 *
 * Looks for the face in every source frame that is shown, each once and in order, and turns the speech into targets.
 * What is left to do for an output frame is then only to warp the lower face from the mouth that it has to the one
 * that the speech asks for. As the first is taken out whatever it was, a mouth that moved in the source does not show.
 *
 * The same input always gives the same bytes.
 *
 * @throws {MouthPackagesMissingError}
 */
export const prepareMouth = async (input: MouthInput): Promise<Mouth> => {
  const { width, height, frameMap } = input
  const shown = [...new Set(frameMap)].sort((a, b) => a - b)
  const { faces, complexions } = await followFace(input, shown)
  const byIndex = new Map(shown.map((index, i) => [index, usable(faces[i]!)]))
  const measures = [...byIndex.values()].filter(face => face !== null).map(face => measure(mouthShape(face)))
  if (measures.length === 0) return { paint: () => {}, face: 'NO_FACE_FOUND', animatedShare: 0 }

  const rest = restOf(measures)
  const palette = paletteFor(complexions)
  const { open, spread } = mouthTargets(input.pcm, input.sampleRate, input.fps, frameMap.length)
  const paintMouth = createMouthPainter()
  return {
    paint(frame, sourceIndex, outputIndex) {
      const face = byIndex.get(sourceIndex)
      if (!face) return
      const move = mouthMove(mouthShape(face), rest, open[outputIndex] ?? 0, spread[outputIndex] ?? 0)
      paintMouth({ data: frame, width, height }, move, palette)
    },
    face: 'ANIMATED',
    animatedShare: frameMap.filter(index => byIndex.get(index)).length / frameMap.length,
  }
}

const followFace = async ({ width, height, readFrame, onProgress }: MouthInput, shown: readonly number[]) => {
  using models = await loadFaceModels()
  const tracker = createTracker(models)
  const sights: Sight[] = []
  const complexions: Complexion[] = []
  for (const [i, index] of shown.entries()) {
    const picture: Picture = { data: readFrame(index), width, height }
    const sight = tracker.see(picture)
    sights.push(sight)
    if (sight.face) complexions.push(complexionOf(picture, sight.face))
    if (i % BREATH_EVERY === BREATH_EVERY - 1) {
      onProgress?.((i + 1) / shown.length)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  onProgress?.(1)
  const faces: (Face | null)[] = smoothFaces(sights)
  return { faces, complexions }
}

const usable = (face: Face | null): Face | null => (face && eyeDistance(face) >= LEAST_EYE_DISTANCE ? face : null)

const measure = ({ gap, width, eyes }: MouthShape) => ({ gap: gap / eyes, width: width / eyes })

/** The lips are taken for closed in the frames where they are nearest to each other. */
const restOf = (measures: readonly ReturnType<typeof measure>[]): MouthRest => {
  const gaps = measures.map(({ gap }) => gap).sort((a, b) => a - b)
  const widths = measures.map(({ width }) => width).sort((a, b) => a - b)
  return {
    closedGap: Math.min(MOST_CLOSED_GAP, gaps[Math.floor(gaps.length * 0.1)]!),
    width: widths[Math.floor(widths.length / 2)]!,
  }
}
