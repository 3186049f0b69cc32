import type { PollState } from '../poll-state.js'
import type { UpstreamError } from './upstream.js'

/** How often the upstream is asked about a job, in milliseconds. */
export interface PollIntervals {
  /** Delay between a submit and its first status check. */
  readonly firstMs: number
  /** Delay between the first check and the second; each later delay is a fifth longer … */
  readonly minMs: number
  /** … up to this. */
  readonly maxMs: number
}

/** Returns a number from 0 up to, not including, 1: `Math.random`, or a test's own. */
export type Random = () => number

const ERROR_BASE_MS = 2_000
const ERROR_MAX_MS = 60_000
/** Consecutive failed checks after which their reason is shown on the task: a single one is noise. */
const PROBLEM_AFTER = 3
/** A rate limit is counted per minute. A longer wait is a mistake of the upstream's, such as a wrong unit. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000

/**
 * After a check that brought nothing new: each delay is a fifth longer, and varied by a tenth within the limits so that
 * tasks spread out.
 */
export function afterCheck(poll: PollState, intervals: PollIntervals, now: number, random: Random): PollState {
  const { minMs, maxMs } = intervals
  const wait = Math.min(minMs * 1.2 ** poll.checks, maxMs) * (0.9 + 0.2 * random())
  return {
    dueMono: now + Math.round(Math.min(Math.max(wait, minMs), maxMs)),
    checks: poll.checks + 1,
    failures: 0,
    absences: 0,
    problem: null,
  }
}

/** After a check that ended with an error: the upstream is at fault, so the task only waits. */
export function afterError(poll: PollState, error: UpstreamError, now: number, random: Random): PollState {
  const failures = poll.failures + 1
  return {
    ...poll,
    dueMono: now + Math.max(retryAfterMs(error, 0), backoffMs(poll.failures, random)),
    failures,
    problem: failures < PROBLEM_AFTER ? poll.problem : error.message,
  }
}

/** After the upstream reported that it has no such job. */
export function afterAbsence(poll: PollState, now: number, random: Random): PollState {
  return {
    ...poll,
    dueMono: now + backoffMs(poll.absences + 1, random),
    failures: 0,
    absences: poll.absences + 1,
    problem: null,
  }
}

/** Exponential with jitter: about 2 s, 4 s, 8 s … up to 60 s, and at least half of that. */
export function backoffMs(failures: number, random: Random): number {
  return Math.round(Math.min(ERROR_BASE_MS * 2 ** failures, ERROR_MAX_MS) * (0.5 + 0.5 * random()))
}

/** How long the upstream asked to wait, within reason, or `otherwise` when it did not ask. */
export function retryAfterMs(error: UpstreamError, otherwise: number): number {
  return Math.min(Math.ceil(error.retryAfterMs ?? otherwise), LONGEST_RETRY_AFTER_MS)
}
