import { createHash } from 'node:crypto'
import type { Random } from '../../src/tasks/driver/poll-schedule.js'

/** Random decisions about one subject. */
export interface Dice {
  readonly random: Random
  chance(probability: number): boolean
  /** Returns a number from `from` up to, but not including, `to`. */
  between(from: number, to: number): number
  /** Returns one of the names. Each is as likely as its weight. */
  pick<T extends string>(weights: Readonly<Record<T, number>>): T
}

export type RollDice = (...subject: readonly (string | number)[]) => Dice

/**
 * Creates random decisions from a seed. A decision depends on the seed and its subject only, not on the order of events:
 * two runs with the same seed decide alike, although they never run alike.
 */
export function createDice(seed: number): RollDice {
  return (...subject) => {
    const random = mulberry32(
      createHash('sha256')
        .update(JSON.stringify([seed, ...subject]))
        .digest()
        .readUInt32LE(),
    )
    return {
      random,
      chance: probability => random() < probability,
      between: (from, to) => from + random() * (to - from),
      pick<T extends string>(weights: Readonly<Record<T, number>>) {
        const entries = Object.entries(weights) as [T, number][]
        let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
        const hit = entries.find(([, weight]) => {
          left -= weight
          return left < 0
        })
        return (hit ?? entries[0]!)[0]
      },
    }
  }
}

function mulberry32(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
