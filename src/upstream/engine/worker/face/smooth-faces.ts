import type { TrackedFace } from './face-tracker.js'
import { eyeDistance, type Face } from './landmarks.js'

/** Movements far below this share of the eye distance count as noise of the landmarks, those far above it as real. */
const NOISE = 0.012
const REACH = 2

/**
 * Steadies the landmarks over time without delay. Each point becomes the weighted mean of its positions in the
 * neighbouring frames. Distant positions have little weight, so noise is removed and movement is kept.
 *
 * @param tracked in order of time
 */
export function smoothFaces(tracked: readonly TrackedFace[]): (Face | null)[] {
  return tracked.map(({ face }, i) => {
    if (!face) return null
    const around = [face]
    for (let k = i; k > i - REACH && tracked[k]?.continues && tracked[k - 1]?.face; k--)
      around.push(tracked[k - 1]!.face!)
    for (let k = i + 1; k <= i + REACH && tracked[k]?.continues && tracked[k]?.face; k++) around.push(tracked[k]!.face!)
    return steady(face, around)
  })
}

function steady(face: Face, around: readonly Face[]): Face {
  const noise = (NOISE * eyeDistance(face)) ** 2
  const result = new Float32Array(face.length)
  for (let i = 0; i < face.length; i += 2) {
    let [x, y, total] = [0, 0, 0]
    for (const other of around) {
      const distance = (other[i]! - face[i]!) ** 2 + (other[i + 1]! - face[i + 1]!) ** 2
      const weight = Math.exp(-distance / (2 * noise))
      x += weight * other[i]!
      y += weight * other[i + 1]!
      total += weight
    }
    result[i] = x / total
    result[i + 1] = y / total
  }
  return result
}
