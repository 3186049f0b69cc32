import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CONTOUR_POINTS, type Face, MOUTH_POINTS } from '../../../src/upstream/engine/worker/face/landmarks.js'
import { smoothFaces } from '../../../src/upstream/engine/worker/face/smooth-faces.js'
import { paletteFor } from '../../../src/upstream/engine/worker/mouth/mouth-inside.js'
import { mouthMove } from '../../../src/upstream/engine/worker/mouth/mouth-move.js'
import { mouthShape } from '../../../src/upstream/engine/worker/mouth/mouth-shape.js'
import { createMouthPainter, moveBox } from '../../../src/upstream/engine/worker/mouth/paint-mouth.js'

const [width, height] = [128, 96]
const REST = { closedGap: 0.03, width: 0.6 }
const PALETTE = paletteFor([{ skin: [180, 110, 150], lip: [120, 115, 165] }])

/** A face that looks ahead: its mouth at a place, so many pixels between the eyes, turned, with a gap between the lips. */
function faceAt(x: number, y: number, eyes: number, angle: number, gap: number): Face {
  const mouth = (bulge: number) =>
    Array.from({ length: CONTOUR_POINTS }, (_, i) => {
      const across = (2 * i) / (CONTOUR_POINTS - 1) - 1
      return [0.3 * across, bulge * (1 - across * across)]
    })
  const lips = [...mouth(-gap / 2 - 0.1), ...mouth(-gap / 2), ...mouth(gap / 2), ...mouth(gap / 2 + 0.1)]
  const anchors = [
    [-0.5, -0.8],
    [0.5, -0.8],
    [0, -0.25],
    [0, 0.5],
  ]
  const points = [...lips, ...anchors].map(([a, b]) => [
    x + eyes * (a! * Math.cos(angle) - b! * Math.sin(angle)),
    y + eyes * (a! * Math.sin(angle) + b! * Math.cos(angle)),
  ])
  return Float32Array.from(points.flat())
}

function pattern() {
  return Uint8Array.from({ length: (width * height * 3) / 2 }, (_, i) => 60 + ((i * 7919) % 120))
}

function share(min: number, max: number) {
  return fc.double({ min, max, noNaN: true })
}
const anyFace = fc
  .tuple(share(-20, 150), share(-20, 120), share(14, 80), share(-0.6, 0.6), share(0, 0.3))
  .map(values => faceAt(...values))

test('the face of the tests has a point for each that is kept', () => {
  expect(faceAt(64, 48, 40, 0, 0)).toHaveLength(2 * MOUTH_POINTS.length)
})

test('no byte outside the box of the mouth changes, wherever the face is', () => {
  fc.assert(
    fc.property(anyFace, share(0, 1), share(-1, 1), (face, open, spread) => {
      const move = mouthMove(mouthShape(face), REST, open, spread)
      const [before, after] = [pattern(), pattern()]
      createMouthPainter()({ data: after, width, height }, move, PALETTE)
      const box = moveBox(move, width, height)
      const inside = (x: number, y: number) => x >= box.left && x < box.right && y >= box.top && y < box.bottom
      const [half, luma] = [width / 2, width * height]
      const stray = after.findIndex((byte, i) => {
        if (byte === before[i]) return false
        const chroma = (i - luma) % (luma / 4)
        return i < luma
          ? !inside(i % width, Math.floor(i / width))
          : !inside(2 * (chroma % half), 2 * Math.floor(chroma / half))
      })
      expect(stray).toBe(-1)
    }),
    { numRuns: 200 },
  )
})

test('each edge of the lips stays below the one above it', () => {
  fc.assert(
    fc.property(anyFace, share(0, 1), share(-1, 1), (face, open, spread) => {
      const move = mouthMove(mouthShape(face), REST, open, spread)
      const edges = [move.upperOuter, move.upperInner, move.lowerInner, move.lowerOuter]
      for (let k = 0; k < move.upperInner.length; k++)
        for (let e = 1; e < edges.length; e++) expect(edges[e]![k]! - edges[e - 1]![k]!).toBeGreaterThan(-1.5)
    }),
    { numRuns: 40 },
  )
})

test('closed lips that stay closed stay as they are', () => {
  const data = pattern()
  const face = faceAt(64, 40, 50, 0.1, 0.03)
  createMouthPainter()({ data, width, height }, mouthMove(mouthShape(face), REST, 0, 0), PALETTE)
  const before = pattern()
  const changed = data.filter((byte, i) => Math.abs(byte - before[i]!) > 2).length
  expect(changed / data.length).toBeLessThan(0.01)
})

test('an open mouth is dark in its middle, and a head in profile is left alone', () => {
  const paint = (face: Face) => {
    const data = new Uint8Array((width * height * 3) / 2).fill(150)
    createMouthPainter()({ data, width, height }, mouthMove(mouthShape(face), REST, 1, 0), PALETTE)
    return data
  }
  expect(paint(faceAt(64, 40, 50, 0, 0.03))[45 * width + 64]).toBeLessThan(80)
  const profile = faceAt(64, 40, 50, 0, 0.03)
  profile[2 * (MOUTH_POINTS.length - 2)]! -= 0.45 * 50
  expect(paint(profile).every(byte => byte === 150)).toBe(true)
})

test('noise of the landmarks is smoothed away and movement is not', () => {
  const still = Array.from({ length: 9 }, (_, i) => faceAt(64 + 0.3 * (i % 2), 48, 50, 0, 0.03))
  const moving = Array.from({ length: 9 }, (_, i) => faceAt(64 + 6 * i, 48, 50, 0, 0.03))
  const smooth = (faces: Face[]) => smoothFaces(faces.map(face => ({ face, continues: true }))).map(face => face![0]!)
  const [a, b] = [smooth(still), smooth(moving)]
  expect(Math.abs(a[4]! - a[5]!)).toBeLessThan(0.15)
  expect(b[4]).toBeCloseTo(moving[4]![0]!, 1)
})
