import { setTimeout as timer } from 'node:timers/promises'

/** Time as a parameter: whoever waits or stamps is handed one, so that tests move time instead of waiting for it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds that only go forward, whatever happens to the wall clock: for every duration, deadline and age. */
  monotonic(): number
  /** Resolves after `ms`, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The longest a Node timer can wait; a longer sleep wakes early, and every sleeper here looks again when it wakes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (ms, signal) => timer(Math.min(Math.max(ms, 0), LONGEST_TIMER_MS), undefined, { signal }).catch(() => {}),
}
