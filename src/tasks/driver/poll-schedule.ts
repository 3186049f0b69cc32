import type { PollState } from '../poll-state.js'

/** How often the upstream is asked about a job. All in milliseconds. */
export interface Pace {
  /** From the submit to the first look. */
  readonly firstMs: number
  /** From the first look to the second; each later wait is a fifth longer … */
  readonly minMs: number
  /** … up to this. */
  readonly maxMs: number
}

/** A number from 0 up to, not including, 1: `Math.random`, or a test's own. */
export type Random = () => number

const ERROR_BASE_MS = 2_000
const ERROR_MAX_MS = 60_000

/** After a look that found nothing new: a little later each time, a tenth to and fro so that tasks spread out. */
export const afterCheck = (watch: PollState, pace: Pace, now: number, random: Random): PollState => {
  const wait = Math.min(pace.minMs * 1.2 ** watch.checks, pace.maxMs)
  return {
    dueMono: now + wait * (0.9 + 0.2 * random()),
    checks: watch.checks + 1,
    failures: 0,
    absences: 0,
    problem: null,
  }
}

/** After a look that ended with an error: the upstream's fault, so the task only waits. */
export const afterError = (
  watch: PollState,
  now: number,
  random: Random,
  retryAfterMs: number | null = null,
): PollState => ({
  ...watch,
  dueMono: now + Math.max(retryAfterMs ?? 0, backoffMs(watch.failures, random)),
  failures: watch.failures + 1,
})

/** After the upstream said that it has no such job. */
export const afterAbsence = (watch: PollState, now: number, random: Random): PollState => ({
  ...watch,
  dueMono: now + backoffMs(watch.absences + 1, random),
  failures: 0,
  absences: watch.absences + 1,
})

/** Exponential with jitter: about 2 s, 4 s, 8 s … and 60 s at most; at least half of that, so that it really waits. */
export const backoffMs = (failures: number, random: Random): number =>
  Math.min(ERROR_BASE_MS * 2 ** failures, ERROR_MAX_MS) * (0.5 + 0.5 * random())
