import type { Picture } from '../frames/i420.js'
import { cropSquare, type Square } from './crop-square.js'
import { DETECTOR_SIDE, type FaceModels, LANDMARKS, MESH_SIDE } from './face-models.js'
import { type Face, MOUTH_POINTS } from './landmarks.js'

/** Below this score the mesh is not on a face. */
const MIN_MESH_SCORE = 0.6
/** A mean luma change of the frame's thumbnail above this, of 255, counts as a cut. */
const CUT_CHANGE = 28
/** While there is no face, the detector runs once in this many frames. */
const DETECT_EVERY = 5
const LEFT_EYE_OUTER = 33
const RIGHT_EYE_OUTER = 263

export interface TrackedFace {
  /** The largest face, or null when there is none. */
  readonly face: Face | null
  /** Whether the face was followed from the previous picture: not after a cut, and not when it was newly detected. */
  readonly continues: boolean
}

/**
 * Tracks the largest face through pictures that are given in order. The detector searches the whole picture only when
 * there is no face to follow. While there is one, the mesh is placed in the square around its last position.
 */
export function createFaceTracker(models: FaceModels): { track(picture: Picture): TrackedFace } {
  const detectorInput = new Float32Array(DETECTOR_SIDE * DETECTOR_SIDE * 3)
  const meshInput = new Float32Array(MESH_SIDE * MESH_SIDE * 3)
  let square: Square | null = null
  let thumbnail: Float32Array | null = null
  let untilDetect = 0

  function find(picture: Picture): Square | null {
    const side = Math.max(picture.width, picture.height)
    const whole = { x: picture.width / 2, y: picture.height / 2, side, angle: 0 }
    const boxes = models.detect(cropSquare(picture, whole, DETECTOR_SIDE, detectorInput))
    const largest = boxes.reduce<(typeof boxes)[number] | null>(
      (best, box) => (best && best.width * best.height >= box.width * box.height ? best : box),
      null,
    )
    if (!largest) return null
    const scale = side / DETECTOR_SIDE
    const [left, right] = largest.eyes
    return {
      x: whole.x + (largest.left + largest.width / 2 - DETECTOR_SIDE / 2) * scale,
      y: whole.y + (largest.top + largest.height / 2 - DETECTOR_SIDE / 2) * scale,
      side: 1.5 * scale * Math.max(largest.width, largest.height),
      angle: Math.atan2(right.y - left.y, right.x - left.x),
    }
  }

  /** Returns the 468 landmarks in pixels of the picture, or null when there is no face in the square. */
  function meshIn(picture: Picture, around: Square): Float32Array | null {
    const { score, points } = models.mesh(cropSquare(picture, around, MESH_SIDE, meshInput))
    return score < MIN_MESH_SCORE ? null : toPicture(points, around)
  }

  return {
    track(picture) {
      const before = thumbnail
      thumbnail = shrink(picture)
      const cut = before !== null && meanChange(before, thumbnail) > CUT_CHANGE
      if (cut) {
        square = null
        untilDetect = 0
      }
      let points = square && meshIn(picture, square)
      const followed = points !== null
      if (!points && untilDetect-- <= 0) {
        const found = find(picture)
        // Twice: the detector's box is rough, and the mesh's own is accurate.
        const first = found && meshIn(picture, found)
        points = first && meshIn(picture, squareAround(first))
        if (!points) untilDetect = DETECT_EVERY - 1
      }
      square = points && squareAround(points)
      if (points) untilDetect = 0
      return { face: points && keepMouthPoints(points), continues: followed }
    },
  }
}

function toPicture(points: Float32Array, { x, y, side, angle }: Square): Float32Array {
  const scale = side / MESH_SIDE
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale]
  const moved = new Float32Array(points.length)
  for (let i = 0; i < LANDMARKS; i++) {
    const a = points[2 * i]! - MESH_SIDE / 2
    const b = points[2 * i + 1]! - MESH_SIDE / 2
    moved[2 * i] = x + a * cos - b * sin
    moved[2 * i + 1] = y + a * sin + b * cos
  }
  return moved
}

/** Returns the square that the mesh model expects around a face: aligned with the eyes, 1.5 times as large as the face. */
function squareAround(points: Float32Array): Square {
  const at = (i: number) => ({ x: points[2 * i]!, y: points[2 * i + 1]! })
  const [left, right] = [at(LEFT_EYE_OUTER), at(RIGHT_EYE_OUTER)]
  const angle = Math.atan2(right.y - left.y, right.x - left.x)
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  let [leftmost, topmost, rightmost, bottommost] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let i = 0; i < LANDMARKS; i++) {
    const { x, y } = at(i)
    const [a, b] = [x * cos + y * sin, y * cos - x * sin]
    leftmost = Math.min(leftmost, a)
    rightmost = Math.max(rightmost, a)
    topmost = Math.min(topmost, b)
    bottommost = Math.max(bottommost, b)
  }
  const [a, b] = [(leftmost + rightmost) / 2, (topmost + bottommost) / 2]
  const side = 1.5 * Math.max(rightmost - leftmost, bottommost - topmost)
  return { x: a * cos - b * sin, y: a * sin + b * cos, side, angle }
}

function keepMouthPoints(points: Float32Array): Face {
  const face = new Float32Array(2 * MOUTH_POINTS.length)
  for (const [i, number] of MOUTH_POINTS.entries()) face.set(points.subarray(2 * number, 2 * number + 2), 2 * i)
  return face
}

const THUMBNAIL = { width: 32, height: 18 }

function shrink({ data, width, height }: Picture): Float32Array {
  const small = new Float32Array(THUMBNAIL.width * THUMBNAIL.height)
  for (let i = 0; i < small.length; i++) {
    const x = Math.floor((((i % THUMBNAIL.width) + 0.5) * width) / THUMBNAIL.width)
    const y = Math.floor(((Math.floor(i / THUMBNAIL.width) + 0.5) * height) / THUMBNAIL.height)
    small[i] = data[y * width + x]!
  }
  return small
}

function meanChange(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!)
  return sum / a.length
}
