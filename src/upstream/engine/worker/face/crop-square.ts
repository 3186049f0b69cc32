import { type Picture, planeLayout } from '../frames/i420.js'

/** A square in a picture: its centre and side in pixels, rotated clockwise by `angle` radians. */
export interface Square {
  readonly x: number
  readonly y: number
  readonly side: number
  readonly angle: number
}

/**
 * Cuts a square out of a picture as RGB. What is outside the picture becomes black.
 *
 * @param out pixels x pixels x 3 values, 0 to 1, written row by row
 * @param pixels the side of the square in pixels of the crop
 */
export function cropSquare(picture: Picture, square: Square, pixels: number, out: Float32Array): Float32Array {
  const { data, width, height } = picture
  const { chromaWidth, u: uAt, v: vAt } = planeLayout(picture)
  const step = square.side / pixels
  const [dx, dy] = [step * Math.cos(square.angle), step * Math.sin(square.angle)]
  const half = (pixels - 1) / 2
  // A crop that shrinks takes the mean of four samples for each pixel, so that fine detail does not flicker.
  const taps = step > 1.5 ? 2 : 1
  let at = 0
  for (let row = 0; row < pixels; row++)
    for (let column = 0; column < pixels; column++) {
      let luma = 0
      let u = 0
      let v = 0
      for (let tap = 0; tap < taps * taps; tap++) {
        const a = column - half + ((tap % taps) + 0.5) / taps - 0.5
        const b = row - half + (Math.floor(tap / taps) + 0.5) / taps - 0.5
        const x = square.x + a * dx - b * dy - 0.5
        const y = square.y + a * dy + b * dx - 0.5
        if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) {
          luma += 16
          u += 128
          v += 128
          continue
        }
        const x0 = x < 0 ? 0 : Math.min(width - 2, x | 0)
        const y0 = y < 0 ? 0 : Math.min(height - 2, y | 0)
        const fx = Math.min(1, Math.max(0, x - x0))
        const fy = Math.min(1, Math.max(0, y - y0))
        const p = y0 * width + x0
        const top = data[p]! + (data[p + 1]! - data[p]!) * fx
        const bottom = data[p + width]! + (data[p + width + 1]! - data[p + width]!) * fx
        luma += top + (bottom - top) * fy
        const c = ((y + 0.5) >> 1) * chromaWidth + ((x + 0.5) >> 1)
        u += data[uAt + c]!
        v += data[vAt + c]!
      }
      const share = 1 / (taps * taps)
      const light = 1.164 * (luma * share - 16)
      const cb = u * share - 128
      const cr = v * share - 128
      out[at++] = clamp(light + 1.596 * cr)
      out[at++] = clamp(light - 0.392 * cb - 0.813 * cr)
      out[at++] = clamp(light + 2.017 * cb)
    }
  return out
}

function clamp(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 1 : value / 255
}
