import type { Sight } from './face-tracker.js'
import { eyeDistance, type Face } from './landmarks.js'

/** Movements far below this share of the eye distance are taken for noise of the landmarks, far above it for real. */
const NOISE = 0.012
const REACH = 2

/**
 * Steadies the landmarks over time without delay: each point becomes the mean of its places in the frames around,
 * those counting little that are far from its own, so that noise goes and movement stays.
 *
 * @param sights in order of time; null where a frame was not looked at
 */
export const smoothFaces = (sights: readonly (Sight | null)[]): (Face | null)[] =>
  sights.map((sight, i) => {
    if (!sight?.face) return null
    const around = [sight.face]
    for (let k = i; k > i - REACH && sights[k]?.continues && sights[k - 1]?.face; k--) around.push(sights[k - 1]!.face!)
    for (let k = i + 1; k <= i + REACH && sights[k]?.continues && sights[k]?.face; k++) around.push(sights[k]!.face!)
    return steady(sight.face, around)
  })

const steady = (face: Face, around: readonly Face[]): Face => {
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
