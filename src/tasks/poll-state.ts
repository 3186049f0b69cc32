/** When the status poller checks a task next, and what it remembers until then. */
export interface PollState {
  /** When the next check is due, in monotonic milliseconds; null: the task is not checked. */
  readonly dueMono: number | null
  /** Checks since the last change that ended without an error. */
  readonly checks: number
  /** Consecutive checks that ended with an error. */
  readonly failures: number
  /** Consecutive checks in which the upstream reported no such job; an error in between does not count. */
  readonly absences: number
  /** Why the latest answers could not be used; null while they can be. */
  readonly problem: string | null
}

export const NOT_POLLED: PollState = { dueMono: null, checks: 0, failures: 0, absences: 0, problem: null }

export function pollAt(dueMono: number): PollState {
  return { ...NOT_POLLED, dueMono }
}
