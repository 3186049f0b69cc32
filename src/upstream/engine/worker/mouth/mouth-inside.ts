import { CONTOUR_POINTS, contourPoint, type Face, type Point } from '../face/landmarks.js'
import { type Picture, planeLayout } from '../frames/i420.js'
import { smoothstep } from './smoothstep.js'

/** A colour as luma and the two chromas, 0 to 255, BT.601 limited range. */
export type Yuv = [y: number, u: number, v: number]

/** The colours of the inside of a mouth. */
export interface Palette {
  readonly dark: Yuv
  readonly teeth: Yuv
  readonly tongue: Yuv
}

/** The colours of a face, from which those of its mouth are derived. */
export interface Complexion {
  readonly skin: Yuv
  readonly lip: Yuv
}

/** Reads the colours of the skin beside the corners of the mouth and of the middle of the lower lip. */
export function complexionOf(picture: Picture, face: Face): Complexion {
  const [left, right] = [contourPoint(face, 'upperOuter', 0), contourPoint(face, 'upperOuter', CONTOUR_POINTS - 1)]
  const away = (from: Point, to: Point): Point => ({
    x: to.x + 0.22 * (to.x - from.x),
    y: to.y + 0.22 * (to.y - from.y),
  })
  const middle = Math.floor(CONTOUR_POINTS / 2)
  const lip = [middle - 1, middle, middle + 1].map(i => {
    const [a, b] = [contourPoint(face, 'lowerInner', i), contourPoint(face, 'lowerOuter', i)]
    return colourAt(picture, { x: 0.3 * a.x + 0.7 * b.x, y: 0.3 * a.y + 0.7 * b.y })
  })
  return {
    skin: meanColour([colourAt(picture, away(right, left)), colourAt(picture, away(left, right))]),
    lip: meanColour(lip),
  }
}

/** The teeth are a little lighter and greyer than the skin, the tongue is a darker lip, the rest is a reddish black. */
export function paletteFor(complexions: readonly Complexion[]): Palette {
  const skin = meanColour(complexions.map(one => one.skin))
  const lip = meanColour(complexions.map(one => one.lip))
  const light = Math.min(1, Math.max(0.15, (skin[0] - 16) / 150))
  return {
    dark: [16 + 16 * light, 124, 138],
    teeth: [Math.min(222, 16 + 178 * light), 128 + 0.25 * (skin[1] - 128), 128 + 0.2 * (skin[2] - 128)],
    tongue: [16 + 0.62 * (lip[0] - 16), lip[1], 128 + 1.05 * (lip[2] - 128)],
  }
}

function colourAt({ data, width, height }: Picture, { x, y }: Point): Yuv {
  const [column, row] = [clamp(Math.floor(x), width), clamp(Math.floor(y), height)]
  const { chromaWidth, u, v } = planeLayout({ width, height })
  const chroma = (row >> 1) * chromaWidth + (column >> 1)
  return [data[row * width + column]!, data[u + chroma]!, data[v + chroma]!]
}

function clamp(value: number, size: number): number {
  return Math.min(size - 1, Math.max(0, value))
}

function meanColour(colours: readonly Yuv[]): Yuv {
  const mean = (i: 0 | 1 | 2) => colours.reduce((sum, colour) => sum + colour[i], 0) / Math.max(1, colours.length)
  return [mean(0), mean(1), mean(2)]
}

/**
 * Writes the colour of one point inside the mouth to `out`.
 *
 * @param across -1 at the left corner to 1 at the right
 * @param below pixels below the upper lip's edge
 * @param above pixels above the lower lip's edge
 * @param seam pixels below the line where the lips meet when closed
 * @param eyes the eye distance in pixels, the unit for all sizes
 */
export function insideColour(
  palette: Palette,
  across: number,
  below: number,
  above: number,
  seam: number,
  eyes: number,
  out: Yuv,
): void {
  const side = 1 - across * across
  // The upper teeth do not move: the lip lifts off them, and their edges end a little below the lip at rest.
  const end = eyes * 0.022 * side
  const inLight = 0.45 + 0.55 * smoothstep(below / (0.035 * eyes))
  const teeth =
    smoothstep((end - seam) / (0.02 * eyes) + 0.5) *
    smoothstep(side / 0.55) *
    smoothstep((below + above) / (0.07 * eyes))
  const tongue =
    0.8 * smoothstep((0.1 * side - above / eyes) / 0.05) * smoothstep((below + above - 0.1 * eyes) / (0.1 * eyes))
  for (let i = 0; i < 3; i++) {
    const back = palette.dark[i]! + (palette.tongue[i]! - palette.dark[i]!) * tongue
    const lit = i === 0 ? 16 + (palette.teeth[0] - 16) * inLight : palette.teeth[i]!
    out[i] = back + (lit - back) * teeth
  }
}
