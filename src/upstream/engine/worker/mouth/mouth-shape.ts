import {
  anchor,
  CONTOUR_POINTS,
  type Contour,
  contourPoint,
  eyeDistance,
  type Face,
  type Point,
} from '../face/landmarks.js'

/** More than pixels, so that the nearest one is near enough. */
export const COLUMNS = 1024

/**
 * A mouth as the landmarks see it, in its own frame: origin half way between the corners, x along the line of the eyes
 * to the picture's right, y down the face, both in pixels of the picture. The heights are tables over x, from -reach to
 * reach in `COLUMNS` steps.
 */
export interface MouthShape {
  readonly centre: Point
  /** Of the x axis against the picture's, radians. */
  readonly angle: number
  /** Distance of the outer corners of the eyes. */
  readonly eyes: number
  /** From corner to corner. */
  readonly width: number
  /** How far right and left the warp may reach. */
  readonly reach: number
  /** Where the warp ends below the nose and below the chin, and the chin between. */
  readonly top: number
  readonly chin: number
  readonly bottom: number
  readonly upperOuter: Float32Array
  readonly upperInner: Float32Array
  readonly lowerInner: Float32Array
  readonly lowerOuter: Float32Array
  /** The widest distance of the inner edges of the lips, as read. */
  readonly gap: number
  /** How much of the movement to carry out: less the further the head is turned away, 0 in profile. */
  readonly trust: number
}

export const mouthShape = (face: Face): MouthShape => {
  const [left, right] = [contourPoint(face, 'upperOuter', 0), contourPoint(face, 'upperOuter', CONTOUR_POINTS - 1)]
  const [leftEye, rightEye] = [anchor(face, 'leftEye'), anchor(face, 'rightEye')]
  const centre = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 }
  const angle = Math.atan2(rightEye.y - leftEye.y, rightEye.x - leftEye.x)
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const toFrame = ({ x, y }: Point): Point => ({
    x: (x - centre.x) * cos + (y - centre.y) * sin,
    y: (y - centre.y) * cos - (x - centre.x) * sin,
  })
  const [from, to] = [toFrame(left), toFrame(right)]
  const width = Math.max(1, to.x - from.x)
  const reach = 1.05 * width
  const heights = (contour: Contour) => {
    const points = Array.from({ length: CONTOUR_POINTS }, (_, i) => toFrame(contourPoint(face, contour, i)))
    return soften(heightsAlong([from, ...points, to], reach), Math.round((0.025 * COLUMNS * width) / (2 * reach)))
  }
  const upperInner = heights('upperInner')
  const lowerInner = heights('lowerInner')
  const lowerOuter = heights('lowerOuter')
  const nose = toFrame(anchor(face, 'noseBase'))
  const chin = toFrame(anchor(face, 'chin')).y
  return {
    centre,
    angle,
    eyes: eyeDistance(face),
    width,
    reach,
    top: 0.92 * nose.y,
    chin,
    bottom: chin + 0.5 * (chin - lowerOuter[COLUMNS / 2]!),
    upperOuter: heights('upperOuter'),
    upperInner,
    lowerInner,
    lowerOuter,
    gap: lowerInner.reduce((widest, low, i) => Math.max(widest, low - upperInner[i]!), 0),
    trust: trustIn(nose.x, toFrame(leftEye).x, toFrame(rightEye).x),
  }
}

/** A turned head shows its nose nearer to one eye than to the other: about 0.45 at 25 degrees. */
const trustIn = (nose: number, leftEye: number, rightEye: number): number => {
  const lopsided = Math.abs((nose - leftEye - (rightEye - nose)) / Math.max(1, rightEye - leftEye))
  return Math.min(1, Math.max(0, (0.8 - lopsided) / 0.35))
}

/** Heights of a line through points at evenly spread columns; flat beyond its ends. */
const heightsAlong = (points: readonly Point[], reach: number): Float32Array => {
  const rising = points.filter((point, i) => points.slice(0, i).every(before => before.x < point.x))
  const heights = new Float32Array(COLUMNS)
  let next = 0
  for (let column = 0; column < COLUMNS; column++) {
    const x = columnX(column, reach)
    while (next < rising.length && rising[next]!.x < x) next++
    const [a, b] = [rising[next - 1] ?? rising[0]!, rising[next] ?? rising.at(-1)!]
    const share = b.x > a.x ? Math.min(1, Math.max(0, (x - a.x) / (b.x - a.x))) : 0
    heights[column] = a.y + (b.y - a.y) * share
  }
  return heights
}

/** The mean over `radius` columns either side, taken twice: rounds the corners of the line off. */
const soften = (values: Float32Array, radius: number): Float32Array => boxMean(boxMean(values, radius), radius)

const boxMean = (values: Float32Array, radius: number): Float32Array => {
  const at = (i: number) => values[Math.min(values.length - 1, Math.max(0, i))]!
  let sum = 0
  for (let k = -radius; k <= radius; k++) sum += at(k)
  return values.map((_, i) => {
    const mean = sum / (2 * radius + 1)
    sum += at(i + radius + 1) - at(i - radius)
    return mean
  })
}

export const columnX = (column: number, reach: number): number => ((column + 0.5) / COLUMNS - 0.5) * 2 * reach
