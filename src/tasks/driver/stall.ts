import type { PollState } from '../poll-state.js'
import type { TaskIn } from '../task.js'

/**
 * A task stalls when the upstream has had it for too long. It is checked more slowly then, and a late result is still
 * delivered. A task whose submit lost its answer stalls too: it is the one that a person may have to resolve.
 */
export type Sent = TaskIn<'unknown' | 'submitted' | 'processing'>

/** When a task counts as stalled, in monotonic milliseconds. */
export function stallsAt(task: Sent, stallAfterMs: number): number {
  return sinceOf(task).mono + stallAfterMs
}

/** The same moment as wall time, for display. */
export function stalledSince(task: Sent, stallAfterMs: number): number {
  return sinceOf(task).at + stallAfterMs
}

/**
 * Whether the check that is made now is the first one since the task stalled. It relies on `capDue`: no check before the
 * stall leaves a due time after it.
 */
export function hasJustStalled(task: Sent, poll: PollState, now: number, stallAfterMs: number): boolean {
  const at = stallsAt(task, stallAfterMs)
  return now >= at && (poll.dueMono ?? now) <= at
}

/** Moves a due time that is after the stall to the stall itself, so that the stall is noticed on time. */
export function capDue(task: Sent, poll: PollState, now: number, stallAfterMs: number): PollState {
  const at = stallsAt(task, stallAfterMs)
  return now < at ? { ...poll, dueMono: Math.min(poll.dueMono ?? at, at) } : poll
}

function sinceOf(task: Sent): { readonly at: number; readonly mono: number } {
  switch (task.stage) {
    case 'unknown':
      return { at: task.attemptedAt, mono: task.attemptedMono }
    case 'submitted':
    case 'processing':
      return { at: task.submittedAt, mono: task.submittedMono }
  }
  task satisfies never
}
