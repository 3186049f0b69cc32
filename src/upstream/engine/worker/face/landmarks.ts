/**
 * The points of MediaPipe Face Mesh that the mouth is moved by, by their numbers in it
 * (https://github.com/google-ai-edge/mediapipe, `canonical_face_model_uv_visualization.png`). A face is kept as these
 * points alone: x, y, x, y… in pixels of the picture, in this order.
 */
const LIPS = {
  /** From the corner at the picture's left to the one at its right. */
  upperOuter: [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291],
  upperInner: [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
  lowerInner: [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
  lowerOuter: [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291],
} as const

const ANCHORS = {
  /** Outer corners of the eyes, at the picture's left and right. */
  leftEye: 33,
  rightEye: 263,
  noseBase: 2,
  chin: 152,
} as const

/** The numbers of the points that are kept of each face. */
export const KEPT: readonly number[] = [...Object.values(LIPS).flat(), ...Object.values(ANCHORS)]

export interface Point {
  readonly x: number
  readonly y: number
}

export type Contour = keyof typeof LIPS
export const CONTOUR_POINTS = LIPS.upperOuter.length

const CONTOURS = Object.keys(LIPS) as Contour[]
const NAMES = Object.keys(ANCHORS) as (keyof typeof ANCHORS)[]

/** The kept points of a face. */
export type Face = Float32Array

export const contourPoint = (face: Face, contour: Contour, i: number): Point =>
  pointAt(face, CONTOURS.indexOf(contour) * CONTOUR_POINTS + i)

export const anchor = (face: Face, name: keyof typeof ANCHORS): Point =>
  pointAt(face, CONTOURS.length * CONTOUR_POINTS + NAMES.indexOf(name))

const pointAt = (face: Face, i: number): Point => ({ x: face[2 * i]!, y: face[2 * i + 1]! })

/** The distance of the outer corners of the eyes in pixels: the measure of the face. */
export const eyeDistance = (face: Face): number => {
  const [a, b] = [anchor(face, 'leftEye'), anchor(face, 'rightEye')]
  return Math.hypot(b.x - a.x, b.y - a.y)
}
