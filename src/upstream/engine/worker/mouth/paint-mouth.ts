import { type Picture, planeLayout } from '../frames/i420.js'
import { insideColour, type Palette, type Yuv } from './mouth-inside.js'
import type { MouthMove } from './mouth-move.js'
import { COLUMNS } from './mouth-shape.js'
import { smoothstep } from './smoothstep.js'

/** A rectangle of whole pixels; right and bottom are exclusive. All sides are even, so that it fits the chroma planes. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Returns the box that contains everything a movement can change. */
export function moveBox({ shape }: MouthMove, width: number, height: number): Box {
  const [cos, sin] = [Math.cos(shape.angle), Math.sin(shape.angle)]
  const corners = [-shape.reach, shape.reach].flatMap(x =>
    [shape.top, shape.bottom].map(y => ({
      x: shape.centre.x + x * cos - y * sin,
      y: shape.centre.y + x * sin + y * cos,
    })),
  )
  const even = (value: number, most: number) => 2 * Math.floor(Math.min(most, Math.max(0, value)) / 2)
  return {
    left: even(Math.min(...corners.map(corner => corner.x)) - 1, width),
    top: even(Math.min(...corners.map(corner => corner.y)) - 1, height),
    right: even(Math.max(...corners.map(corner => corner.x)) + 3, width),
    bottom: even(Math.max(...corners.map(corner => corner.y)) + 3, height),
  }
}

/**
 * Creates the function that carries out a movement in a picture, in place: each pixel of the box takes its colour from its
 * position in the source, and the gap that opens between the lips is painted. Nothing outside `moveBox` changes.
 */
export function createMouthPainter(): (picture: Picture, move: MouthMove, palette: Palette) => void {
  let scratch = new Uint8Array(0)
  return (picture, move, palette) => {
    const { data, width, height } = picture
    const box = moveBox(move, width, height)
    if (box.right - box.left < 4 || box.bottom - box.top < 4) return
    const pixels = (box.right - box.left) * (box.bottom - box.top)
    if (scratch.length < pixels) scratch = new Uint8Array(2 * pixels)
    const { chromaWidth, u, v } = planeLayout(picture)
    paintPlane(data.subarray(0, u), width, box, 1, 0, move, palette, scratch)
    const half = { left: box.left / 2, top: box.top / 2, right: box.right / 2, bottom: box.bottom / 2 }
    paintPlane(data.subarray(u, v), chromaWidth, half, 2, 1, move, palette, scratch)
    paintPlane(data.subarray(v), chromaWidth, half, 2, 2, move, palette, scratch)
  }
}

/**
 * @param step pixels of the picture for one of the plane
 * @param channel 0 for Y, 1 for U, 2 for V
 */
function paintPlane(
  plane: Uint8Array,
  stride: number,
  box: Box,
  step: 1 | 2,
  channel: 0 | 1 | 2,
  move: MouthMove,
  palette: Palette,
  scratch: Uint8Array,
): void {
  const { shape } = move
  const [cos, sin] = [Math.cos(shape.angle), Math.sin(shape.angle)]
  const [boxWidth, boxHeight] = [box.right - box.left, box.bottom - box.top]
  for (let row = 0; row < boxHeight; row++) {
    const at = (box.top + row) * stride + box.left
    scratch.set(plane.subarray(at, at + boxWidth), row * boxWidth)
  }
  const squeeze = 1 / move.stretch - 1
  const halfMouth = (shape.width * move.stretch) / 2
  const innerHalf = 0.47 * shape.width
  const seam = 0.55 * move.seam
  const lineHalf = Math.max(1, 0.014 * shape.eyes)
  const perColumn = COLUMNS / (2 * shape.reach)
  const colour: Yuv = [0, 0, 0]

  for (let row = 0; row < boxHeight; row++)
    for (let column = 0; column < boxWidth; column++) {
      const px = (box.left + column + 0.5) * step - shape.centre.x
      const py = (box.top + row + 0.5) * step - shape.centre.y
      const toX = px * cos + py * sin
      const y = py * cos - px * sin
      if (toX <= -shape.reach || toX >= shape.reach || y <= shape.top || y >= shape.bottom) continue

      const beyond = Math.max(0, (Math.abs(toX) - halfMouth) / (shape.reach - halfMouth))
      const along = y < 0 ? y / shape.top : y / shape.bottom
      const x = toX * (1 + squeeze * (1 - smoothstep(beyond)) * (1 - along * along) ** 2)
      const k = Math.min(COLUMNS - 1, Math.max(0, ((x + shape.reach) * perColumn) | 0))
      const upper = move.upperInner[k]!
      const lower = move.lowerInner[k]!
      // The share of the pixel between the lips: 0 where they meet.
      const inside = Math.max(0, Math.min(y + step / 2, lower) - Math.max(y - step / 2, upper)) / step

      let value = 0
      if (inside < 1) {
        const above = Math.min(1, Math.max(0, ((upper + lower) / 2 - y) / step + 0.5))
        if (above > 0) value += above * sampleAt(x, aboveMouth(move, k, y))
        if (above < 1) value += (1 - above) * sampleAt(x, belowMouth(move, k, y))
        const near = 1 - Math.abs(y - (upper + lower) / 2) / lineHalf
        const line = near > 0 && Math.abs(x) < innerHalf ? seam * near * (1 - (x / innerHalf) ** 4) : 0
        if (line > 0) value += (palette.dark[channel] - value) * line
      }
      if (inside > 0) {
        insideColour(
          palette,
          x / innerHalf,
          y - upper,
          lower - y,
          y - upper - 0.2 * (lower - upper),
          shape.eyes,
          colour,
        )
        value += (colour[channel] - value) * inside
      }
      plane[(box.top + row) * stride + box.left + column] = value + 0.5
    }

  function sampleAt(x: number, y: number): number {
    const fx = (shape.centre.x + x * cos - y * sin) / step - 0.5 - box.left
    const fy = (shape.centre.y + x * sin + y * cos) / step - 0.5 - box.top
    const x0 = fx <= 0 ? 0 : fx >= boxWidth - 2 ? boxWidth - 2 : fx | 0
    const y0 = fy <= 0 ? 0 : fy >= boxHeight - 2 ? boxHeight - 2 : fy | 0
    const ax = Math.min(1, Math.max(0, fx - x0))
    const ay = Math.min(1, Math.max(0, fy - y0))
    const at = y0 * boxWidth + x0
    const above = scratch[at]! + (scratch[at + 1]! - scratch[at]!) * ax
    const below = scratch[at + boxWidth]! + (scratch[at + boxWidth + 1]! - scratch[at + boxWidth]!) * ax
    return above + (below - above) * ay
  }
}

/** Returns the source height of a point between nose and gap. The lip moves as one piece, the skin above it less and less. */
function aboveMouth(move: MouthMove, k: number, y: number): number {
  const { shape } = move
  const [outer, inner] = [move.upperOuter[k]!, move.upperInner[k]!]
  const fromInner = move.fromUpperInner[k]!
  const fromOuter = Math.min(shape.upperOuter[k]!, fromInner)
  if (y >= inner) return fromInner
  if (y >= outer) return fromOuter + ((y - outer) / Math.max(1e-3, inner - outer)) * (fromInner - fromOuter)
  return y - (outer - fromOuter) * smoothstep((y - shape.top) / Math.max(1e-3, outer - shape.top))
}

/** The same below the gap: the lip, the chin, and the neck, where the movement ends. */
function belowMouth(move: MouthMove, k: number, y: number): number {
  const { shape } = move
  const [inner, outer] = [move.lowerInner[k]!, move.lowerOuter[k]!]
  const fromInner = move.fromLowerInner[k]!
  const fromOuter = Math.max(shape.lowerOuter[k]!, fromInner)
  if (y <= inner) return fromInner
  if (y <= outer) return fromInner + ((y - inner) / Math.max(1e-3, outer - inner)) * (fromOuter - fromInner)
  const [lipShift, chinShift] = [outer - fromOuter, move.chinShift[k]!]
  const chin = shape.chin + chinShift
  if (y <= chin) return y - lipShift - (chinShift - lipShift) * smoothstep((y - outer) / Math.max(1e-3, chin - outer))
  return y - chinShift * (1 - smoothstep((y - chin) / Math.max(1e-3, shape.bottom - chin)))
}
