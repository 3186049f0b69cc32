import { setTimeout as timer } from 'node:timers/promises'

/**
 * Time as a parameter, so that tests move it instead of waiting for it.
 *
 * The wall clock may jump: it is set, corrected or wrong. It is for times that are shown or logged, and decides nothing.
 * Every duration, deadline, due time, window and age is measured in monotonic time.
 */
export interface Clock {
  /**
   * Whether the gateways on one database read the same clock anyway. Otherwise a store that several of them share takes its
   * monotonic time from the database.
   *
   * @default false
   */
  readonly isShared?: boolean
  /** Wall time in milliseconds since the Unix epoch. May jump forward and back. */
  now(): number
  /** Milliseconds that only go forward, from an arbitrary origin, whatever happens to the wall clock. */
  monotonic(): number
  /** Resolves after `ms` of monotonic time, or as soon as `signal` aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The longest a Node timer can wait. A longer sleep wakes early; every sleeper checks the time when it wakes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1
const NS_PER_MS = 1_000_000n

/** The clocks of this machine. On Linux all processes since the last boot share the monotonic one. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => Number(process.hrtime.bigint() / NS_PER_MS),
  sleep: (ms, signal) =>
    timer(Math.min(Math.max(Math.ceil(ms), 0), LONGEST_TIMER_MS), undefined, { signal }).catch(() => {}),
}
