export interface FaceBox {
  readonly score: number
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Centres of the eyes. The first is the one on the left of the picture. */
  readonly eyes: readonly [{ x: number; y: number }, { x: number; y: number }]
}

const MIN_SCORE = 0.5
const MAX_OVERLAP = 0.3

/** The two grids of anchors in the detector's 256 x 256 pixels, with the sizes of their outputs. */
const GRIDS = [
  { stride: 16, perCell: 2, count: 512 },
  { stride: 32, perCell: 6, count: 384 },
] as const

/**
 * Decodes BlazeFace's raw outputs into boxes in pixels of its input, without duplicates, highest score first.
 *
 * @param output returns the raw output of a shape: `512x16` and `384x16` are a box (centre relative to the anchor, and
 *   size) and six points (relative to the anchor; the eyes are the first two), `512x1` and `384x1` the logits of the
 *   scores
 */
export function decodeFaceBoxes(output: (shape: string) => Float32Array): FaceBox[] {
  const boxes = GRIDS.flatMap(({ stride, perCell, count }) => {
    const logits = output(`${count}x1`)
    const values = output(`${count}x16`)
    const found: FaceBox[] = []
    for (let i = 0; i < count; i++) {
      const score = 1 / (1 + Math.exp(-logits[i]!))
      if (score < MIN_SCORE) continue
      const cell = Math.floor(i / perCell)
      const perRow = DETECTOR_PIXELS / stride
      const x = stride * ((cell % perRow) + 0.5)
      const y = stride * (Math.floor(cell / perRow) + 0.5)
      const [cx, cy, width, height, ax, ay, bx, by] = values.subarray(16 * i, 16 * i + 8) as unknown as Eight
      const left = x + cx - width / 2
      const top = y + cy - height / 2
      found.push({
        score,
        left,
        top,
        width,
        height,
        eyes: [
          { x: x + ax, y: y + ay },
          { x: x + bx, y: y + by },
        ],
      })
    }
    return found
  })
  boxes.sort((a, b) => b.score - a.score)
  return boxes.filter((box, i) => boxes.slice(0, i).every(better => overlap(better, box) < MAX_OVERLAP))
}

const DETECTOR_PIXELS = 256
type Eight = [number, number, number, number, number, number, number, number]

/** Intersection over union. */
function overlap(a: FaceBox, b: FaceBox): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left)
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top)
  if (width <= 0 || height <= 0) return 0
  return (width * height) / (a.width * a.height + b.width * b.height - width * height)
}
