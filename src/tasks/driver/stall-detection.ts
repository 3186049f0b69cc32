import type { Logger } from 'pino'
import type { PollState } from '../poll-state.js'
import type { TaskIn } from '../task.js'

type Sent = TaskIn<'unknown' | 'submitted' | 'processing'>

/** When the upstream has had a task for too long. It is looked at more slowly then, and a late result still delivered. */
export interface StallDetection {
  /** When this task counts as stalled, in monotonic milliseconds. */
  at(task: Sent): number
  /** Tells of the stall, at the first look at or after that moment. */
  note(task: Sent, watch: PollState, now: number): void
  /** The watch, never due later than that moment, so that there is such a look. */
  notAfter(task: Sent, watch: PollState, now: number): PollState
}

export interface StallDetectionParts {
  stallAfterMs: number
  log: Logger
  /** Told when a task has begun to stall. */
  onStall(taskId: string): void
}

export const createStallDetection = ({ stallAfterMs, log, onStall }: StallDetectionParts): StallDetection => {
  const at = (task: Sent) => (task.stage === 'unknown' ? task.attemptedMono : task.submittedMono) + stallAfterMs
  return {
    at,
    note(task, { dueMono }, now) {
      if (now < at(task) || (dueMono ?? now) > at(task)) return
      const upstreamId = task.stage === 'unknown' ? undefined : task.upstreamId
      log.warn({ taskId: task.id, upstreamId }, 'task has stalled: the upstream brings it to no end')
      onStall(task.id)
    },
    notAfter(task, watch, now) {
      return now < at(task) ? { ...watch, dueMono: Math.min(watch.dueMono ?? at(task), at(task)) } : watch
    },
  }
}
