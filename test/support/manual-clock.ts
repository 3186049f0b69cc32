import type { Clock } from '../../src/clock.js'

export interface ManualClock extends Clock {
  /** Moves the time by `ms`, stopping at each sleeper that falls due on the way, in order, to wake it. */
  advance(ms: number): Promise<void>
}

/**
 * A clock that stands still until it is told to move.
 *
 * @param settled resolves when those who woke have done what they can before the time moves on
 */
export const createManualClock = (
  start = Date.UTC(2025, 0, 1),
  settled: () => Promise<unknown> = () => new Promise(setImmediate),
): ManualClock => {
  let now = start
  const sleepers = new Set<{ readonly due: number; readonly wake: () => void }>()

  const nextDue = (until: number) =>
    [...sleepers].filter(sleeper => sleeper.due <= until).sort((a, b) => a.due - b.due)[0]

  return {
    now: () => now,
    monotonic: () => now - start,
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (signal.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { due: now + Math.max(ms, 0), wake }
        sleepers.add(sleeper)
        signal.addEventListener('abort', wake)
      }),
    async advance(ms) {
      const until = now + ms
      await settled()
      for (let sleeper = nextDue(until); sleeper; sleeper = nextDue(until)) {
        now = Math.max(now, sleeper.due)
        sleeper.wake()
        // Whoever woke may lie down again within the same advance: let it get up, and get there first.
        await new Promise(setImmediate)
        await settled()
      }
      now = until
      await settled()
    },
  }
}
