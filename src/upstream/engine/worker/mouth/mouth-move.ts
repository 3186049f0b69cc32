import { COLUMNS, columnX, type MouthShape } from './mouth-shape.js'
import { smoothstep } from './smoothstep.js'

/** The mouth at rest, measured over all frames that show it. */
export interface MouthRest {
  /** The gap that the landmarks show for closed lips, as a share of the eye distance. */
  readonly closedGap: number
  /** The distance between the corners, as a share of the eye distance. */
  readonly width: number
}

/** The edges of the lips in the source and in the output, by column, and the new width of the mouth. */
export interface MouthMove {
  readonly shape: MouthShape
  /** Heights of the inner edges in the source, corrected for the gap that closed lips show. */
  readonly fromUpperInner: Float32Array
  readonly fromLowerInner: Float32Array
  /** Heights in the output. */
  readonly upperOuter: Float32Array
  readonly upperInner: Float32Array
  readonly lowerInner: Float32Array
  readonly lowerOuter: Float32Array
  /** How far the chin moves down with the jaw. */
  readonly chinShift: Float32Array
  /** The new width divided by the old one. */
  readonly stretch: number
  /** The strength of the line to draw where the lips meet, 0 to 1. An open mouth has no such line in the source. */
  readonly seam: number
}

/** The gap of a mouth that is opened as wide as speech opens it, as a share of its width at rest. */
const WIDEST_GAP = 0.34
/** The share of the upper lip in an opening; the rest is the jaw's. */
const UPPER_SHARE = 0.2
/** The edges of an open mouth are moved this far into the lips, as a share of the eye distance, to remove it completely. */
const INSET = 0.012
/** The largest gap that the landmarks show for closed lips, as a share of the eye distance. More is an open mouth. */
export const MAX_CLOSED_GAP = 0.06

/**
 * Plans the movement from the opening of the mouth in the source to a new one. The movement of the source is removed.
 *
 * @param open 0 to 1
 * @param spread -1 to 1
 */
export function mouthMove(shape: MouthShape, rest: MouthRest, open: number, spread: number): MouthMove {
  const { eyes, reach, trust } = shape
  const fromGap = Math.max(0, shape.gap - rest.closedGap * eyes)
  const wanted = open * WIDEST_GAP * rest.width * eyes
  const gap = fromGap + (wanted - fromGap) * trust
  const trueShare = shape.gap > 0 ? fromGap / shape.gap : 0

  const table = () => new Float32Array(COLUMNS)
  const [fromUpperInner, fromLowerInner, chinShift] = [table(), table(), table()]
  const [upperOuter, upperInner, lowerInner, lowerOuter] = [table(), table(), table(), table()]
  const opened = smoothstep(fromGap / (0.06 * eyes)) * trust
  const inset = INSET * eyes * opened
  const jaw = 0.45 * (1 - UPPER_SHARE) * (gap - fromGap)
  for (let column = 0; column < COLUMNS; column++) {
    const x = columnX(column, reach)
    const [readUpper, readLower] = [shape.upperInner[column]!, shape.lowerInner[column]!]
    const half = (Math.max(0, readLower - readUpper) * trueShare) / 2 + inset
    const middle = (readUpper + readLower) / 2
    const [upper, lower] = [middle - half, middle + half]
    const seam = upper + UPPER_SHARE * (lower - upper)
    const apart = gap * Math.max(0, 1 - (x / (0.47 * shape.width)) ** 2) ** 0.75
    fromUpperInner[column] = upper
    fromLowerInner[column] = lower
    upperInner[column] = seam - UPPER_SHARE * apart
    lowerInner[column] = seam + (1 - UPPER_SHARE) * apart
    upperOuter[column] = Math.min(shape.upperOuter[column]!, upper) + 0.85 * (upperInner[column]! - upper)
    lowerOuter[column] = Math.max(shape.lowerOuter[column]!, lower) + 0.95 * (lowerInner[column]! - lower)
    chinShift[column] = jaw * Math.cos((Math.PI * Math.min(1, Math.abs(x / reach))) / 2) ** 2
  }
  const width = rest.width * eyes * (1 + 0.07 * spread - 0.06 * open)
  const stretch = 1 + (Math.min(1.2, Math.max(0.8, width / shape.width)) - 1) * trust
  return {
    shape,
    fromUpperInner,
    fromLowerInner,
    upperOuter,
    upperInner,
    lowerInner,
    lowerOuter,
    chinShift,
    stretch,
    seam: opened,
  }
}
