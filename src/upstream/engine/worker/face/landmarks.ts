/**
 * The points of MediaPipe Face Mesh that move the mouth, by their numbers there
 * (https://github.com/google-ai-edge/mediapipe, `canonical_face_model_uv_visualization.png`). A face consists of these
 * points only: x, y, x, y… in pixels of the picture, in this order.
 */
const LIPS = {
  /** From the corner on the left of the picture to the one on the right. */
  upperOuter: [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291],
  upperInner: [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
  lowerInner: [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
  lowerOuter: [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291],
} as const

const ANCHORS = {
  /** Outer corners of the eyes, on the left and right of the picture. */
  leftEye: 33,
  rightEye: 263,
  noseBase: 2,
  chin: 152,
} as const

/** The numbers of the points of a face. */
export const MOUTH_POINTS: readonly number[] = [...Object.values(LIPS).flat(), ...Object.values(ANCHORS)]

export interface Point {
  readonly x: number
  readonly y: number
}

export type Contour = keyof typeof LIPS
export const CONTOUR_POINTS = LIPS.upperOuter.length

const CONTOURS = Object.keys(LIPS) as Contour[]
const NAMES = Object.keys(ANCHORS) as (keyof typeof ANCHORS)[]

/** The points of a face, in the order of `MOUTH_POINTS`. */
export type Face = Float32Array

export function contourPoint(face: Face, contour: Contour, i: number): Point {
  return pointAt(face, CONTOURS.indexOf(contour) * CONTOUR_POINTS + i)
}

export function anchor(face: Face, name: keyof typeof ANCHORS): Point {
  return pointAt(face, CONTOURS.length * CONTOUR_POINTS + NAMES.indexOf(name))
}

function pointAt(face: Face, i: number): Point {
  return { x: face[2 * i]!, y: face[2 * i + 1]! }
}

/** The distance between the outer corners of the eyes in pixels, which is the unit for all sizes in a face. */
export function eyeDistance(face: Face): number {
  const [a, b] = [anchor(face, 'leftEye'), anchor(face, 'rightEye')]
  return Math.hypot(b.x - a.x, b.y - a.y)
}
