import { createHash } from 'node:crypto'
import type { Random } from '../../src/tasks/driver/poll-schedule.js'

/** Decisions about one thing. */
export interface Dice {
  readonly random: Random
  chance(probability: number): boolean
  /** A number from `from` up to, not including, `to`. */
  between(from: number, to: number): number
  /** One of the names, each as likely as its weight says. */
  pick<T extends string>(weights: Readonly<Record<T, number>>): T
}

/**
 * Decisions out of a seed. Each depends on the seed and on what it is about and on nothing else, least of all on the
 * order in which things happen: two runs with one seed decide alike although the machine is never twice the same.
 */
export const createDice =
  (seed: number) =>
  (...about: readonly (string | number)[]): Dice => {
    let state = createHash('sha256')
      .update(JSON.stringify([seed, ...about]))
      .digest()
      .readUInt32LE()
    // Mulberry32.
    const random = () => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    }
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

export type RollDice = ReturnType<typeof createDice>
