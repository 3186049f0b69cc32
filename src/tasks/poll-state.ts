/** When the poller looks at a task again, and what it has to remember for that. */
export interface PollState {
  /** Milliseconds since the Unix epoch; null: not looked at. */
  readonly dueAt: number | null
  /** Looks since the last change that ended without an error. */
  readonly looks: number
  /** Looks in a row that ended with an error. */
  readonly failures: number
  /** Times in a row that the upstream said it has no such job; an error in between does not count. */
  readonly absences: number
}

export const NOT_POLLED: PollState = { dueAt: null, looks: 0, failures: 0, absences: 0 }

export const pollAt = (dueAt: number): PollState => ({ ...NOT_POLLED, dueAt })
