import { Resvg } from '@resvg/resvg-js'

/** An SVG document as one I420 frame: width x height bytes of Y, then a quarter of that of U and of V (BT.601, limited range). */
export function rasterise(svg: string): Uint8Array {
  const { pixels, width, height } = new Resvg(svg, { font: { loadSystemFonts: false } }).render()
  return rgbaToI420(pixels, width, height)
}

/** @param rgba width x height x 4 bytes, both sides even */
export function rgbaToI420(rgba: Uint8Array, width: number, height: number): Uint8Array {
  const frame = new Uint8Array((width * height * 3) / 2)
  for (let i = 0; i < width * height; i++)
    frame[i] = 16.5 + 0.257 * rgba[4 * i]! + 0.504 * rgba[4 * i + 1]! + 0.098 * rgba[4 * i + 2]!
  let u = width * height
  let v = u + (width * height) / 4
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2) {
      const corners = [y * width + x, y * width + x + 1, (y + 1) * width + x, (y + 1) * width + x + 1]
      const mean = (channel: number) => corners.reduce((sum, at) => sum + rgba[4 * at + channel]!, 0) / 4
      const [r, g, b] = [mean(0), mean(1), mean(2)]
      frame[u++] = 128.5 - 0.148 * r - 0.291 * g + 0.439 * b
      frame[v++] = 128.5 + 0.439 * r - 0.368 * g - 0.071 * b
    }
  return frame
}
