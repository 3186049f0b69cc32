import { smooth } from './mouth-inside.js'
import { COLUMNS, columnX, type MouthShape } from './mouth-shape.js'

/** What is normal for this mouth: measured over all frames in which it is seen. */
export interface MouthRest {
  /** What the landmarks read as the gap of the closed lips, as a share of the eye distance. */
  readonly closedGap: number
  /** The width from corner to corner, as a share of the eye distance. */
  readonly width: number
}

/** Where the edges of the lips are in the source and where they are to be, by column; and the mouth's new width. */
export interface MouthMove {
  readonly shape: MouthShape
  /** Source heights, the inner edges corrected for what closed lips read as. */
  readonly fromUpperInner: Float32Array
  readonly fromLowerInner: Float32Array
  /** Heights to be. */
  readonly upperOuter: Float32Array
  readonly upperInner: Float32Array
  readonly lowerInner: Float32Array
  readonly lowerOuter: Float32Array
  /** How far the chin goes down with the jaw. */
  readonly chinShift: Float32Array
  /** New width over old. */
  readonly stretch: number
  /** How much of a line is to be drawn where the lips meet, 0 to 1: an open mouth has none to bring along. */
  readonly seam: number
}

/** The gap of a mouth as wide open as speech opens it, as a share of its width at rest. */
const WIDEST_GAP = 0.34
/** The upper lip's part in opening; the jaw has the rest. */
const UPPER_SHARE = 0.2
/** How far into the lips the edges of an open mouth are laid, as a share of the eye distance, so that none of it is left. */
const INSET = 0.012
/** Closed lips read as at most this apart, as a share of the eye distance; more is an open mouth. */
export const MOST_CLOSED_GAP = 0.06

/**
 * Plans the movement that gives a mouth a new opening, whatever the one it has: the source's own is taken out with it.
 *
 * @param open 0 to 1
 * @param spread -1 to 1
 */
export const mouthMove = (shape: MouthShape, rest: MouthRest, open: number, spread: number): MouthMove => {
  const { eyes, reach, trust } = shape
  const fromGap = Math.max(0, shape.gap - rest.closedGap * eyes)
  const wanted = open * WIDEST_GAP * rest.width * eyes
  const gap = fromGap + (wanted - fromGap) * trust
  const trueShare = shape.gap > 0 ? fromGap / shape.gap : 0

  const table = () => new Float32Array(COLUMNS)
  const [fromUpperInner, fromLowerInner, chinShift] = [table(), table(), table()]
  const [upperOuter, upperInner, lowerInner, lowerOuter] = [table(), table(), table(), table()]
  const opened = smooth(fromGap / (0.06 * eyes)) * trust
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
