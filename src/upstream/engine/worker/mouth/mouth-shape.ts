import {
  anchor,
  CONTOUR_POINTS,
  type Contour,
  contourPoint,
  eyeDistance,
  type Face,
  type Point,
} from '../face/landmarks.js'

/** More columns than pixels, so that the nearest column is accurate enough without interpolation. */
export const COLUMNS = 1024

/**
 * A mouth by its landmarks, in a coordinate system of its own: the origin is half way between the corners, x is parallel
 * to the line of the eyes and points to the right of the picture, y points down the face. Both are in pixels of the
 * picture. The heights are tables over x, from -reach to reach in `COLUMNS` steps.
 */
export interface MouthShape {
  readonly centre: Point
  /** The angle of the x axis in the picture, in radians. */
  readonly angle: number
  /** The distance between the outer corners of the eyes. */
  readonly eyes: number
  /** The distance between the corners. */
  readonly width: number
  /** How far the warp may extend to the right and left. */
  readonly reach: number
  /** The warp ends at `top` below the nose and at `bottom` below the chin. */
  readonly top: number
  readonly chin: number
  readonly bottom: number
  readonly upperOuter: Float32Array
  readonly upperInner: Float32Array
  readonly lowerInner: Float32Array
  readonly lowerOuter: Float32Array
  /** The largest distance between the inner edges of the lips, as measured. */
  readonly gap: number
  /** The share of the movement to carry out: 1 for a frontal face, 0 for a profile. */
  readonly trust: number
}

export function mouthShape(face: Face): MouthShape {
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

/** In a turned head the nose is nearer to one eye than to the other: by about 0.45 at 25 degrees. */
function trustIn(nose: number, leftEye: number, rightEye: number): number {
  const lopsided = Math.abs((nose - leftEye - (rightEye - nose)) / Math.max(1, rightEye - leftEye))
  return Math.min(1, Math.max(0, (0.8 - lopsided) / 0.35))
}

/** Returns the heights of a line through points, at evenly spaced columns. The line is flat beyond its ends. */
function heightsAlong(points: readonly Point[], reach: number): Float32Array {
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

/** Rounds the corners of a line: the mean over `radius` columns on either side, applied twice. */
function soften(values: Float32Array, radius: number): Float32Array {
  return boxMean(boxMean(values, radius), radius)
}

function boxMean(values: Float32Array, radius: number): Float32Array {
  const at = (i: number) => values[Math.min(values.length - 1, Math.max(0, i))]!
  let sum = 0
  for (let k = -radius; k <= radius; k++) sum += at(k)
  return values.map((_, i) => {
    const mean = sum / (2 * radius + 1)
    sum += at(i + radius + 1) - at(i - radius)
    return mean
  })
}

/** Returns the x of a column. */
export function columnX(column: number, reach: number): number {
  return ((column + 0.5) / COLUMNS - 0.5) * 2 * reach
}
