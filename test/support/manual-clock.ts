import type { Clock } from '../../src/clock.js'

export interface ManualClock extends Clock {
  /** Moves the time by `ms`, stopping at each sleeper that falls due on the way, in order, to wake it. */
  advance(ms: number): Promise<void>
  /** Steps the wall clock by `ms`, forward or back, as a person or a time server does. No time passes. */
  setWall(ms: number): void
}

interface ManualClockOptions {
  /** How far each reading moves the time, in milliseconds. */
  readonly tick: number
}

/** Unlike any wall time, so that a mix-up of the two clocks fails. */
const MONOTONIC_START = 1_000_000

/**
 * Milliseconds by which the exact moments of a test may be late: under the ticking clock each reading moves the time.
 * Tests that assert a moment allow for it; under the manual clock it is 0.
 */
export const SLACK_MS = process.env.TEST_CLOCK === 'ticking' ? 2_000 : 0

/**
 * The clock of the domain's tests: one that stands still until it is told to move, or, in the vitest project `ticking`,
 * one that also moves by a millisecond at every reading, as real time does between two readings.
 *
 * @param settled resolves when the sleepers that woke have done what they can before the time moves on
 */
export function createManualClock(
  start = Date.UTC(2025, 0, 1),
  settled: () => Promise<unknown> = () => new Promise(setImmediate),
  { tick }: ManualClockOptions = { tick: process.env.TEST_CLOCK === 'ticking' ? 1 : 0 },
): ManualClock {
  let elapsed = 0
  let wallStart = start
  const sleepers = new Set<{ readonly due: number; readonly wake: () => void }>()

  const read = () => {
    elapsed += tick
    return elapsed
  }
  const nextDue = (until: number) =>
    [...sleepers].filter(sleeper => sleeper.due <= until).sort((a, b) => a.due - b.due)[0]

  return {
    isShared: true,
    now: () => wallStart + read(),
    monotonic: () => MONOTONIC_START + read(),
    setWall(ms) {
      wallStart += ms
    },
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { due: elapsed + Math.max(ms, 0), wake }
        sleepers.add(sleeper)
        signal.addEventListener('abort', wake)
      }),
    async advance(ms) {
      const until = elapsed + ms
      await settled()
      for (let sleeper = nextDue(until); sleeper; sleeper = nextDue(until)) {
        elapsed = Math.max(elapsed, sleeper.due)
        sleeper.wake()
        // A sleeper that woke may sleep again within the same advance.
        await new Promise(setImmediate)
        await settled()
      }
      elapsed = Math.max(elapsed, until)
      await settled()
    },
  }
}
