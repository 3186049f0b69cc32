import type { Clock } from '../clock.js'
import { placeInLine } from './fair.js'
import type { Lane } from './lane.js'
import type { TaskStore, Upstream } from './ports.js'
import type { Task } from './task.js'

/** What can be said of a task that is not in the log, because it changes with time and with other tasks. */
export interface Outlook {
  /** 1 for the next to be sent; null when it is not queued (any more). */
  readonly queuePosition: number | null
  /** When it will be sent, as far as can be told: null when nobody knows. */
  readonly estimatedStartAt: number | null
  /** How much of it is made, 0 to 1; null when the upstream does not have it, or does not tell. */
  readonly progress: number | null
  /** Since when the upstream has had it for too long; null while all is well. */
  readonly stalledSince: number | null
}

const NONE: Outlook = { queuePosition: null, estimatedStartAt: null, progress: null, stalledSince: null }

export const createOutlook =
  (parts: { store: TaskStore; upstream: Upstream; lane: Lane; clock: Clock; stallAfterMs: number }) =>
  async (task: Task): Promise<Outlook> => {
    const { store, upstream, lane, clock, stallAfterMs } = parts
    switch (task.stage) {
      case 'queued': {
        // A state of the past, replayed from the log, has no place in the queue.
        const current = await store.get(task.id)
        if (current?.seq !== task.seq) return NONE
        const before = placeInLine(await store.queueLines(), task.caller, await store.queuedBefore(task))
        return { ...NONE, queuePosition: before + 1, estimatedStartAt: await lane.startOf(before) }
      }
      case 'unknown':
      case 'submitted':
      case 'processing': {
        const stallsAt = (task.stage === 'unknown' ? task.attemptedAt : task.submittedAt) + stallAfterMs
        const progress = task.stage === 'unknown' ? null : (upstream.progress?.(task.upstreamId) ?? null)
        return { ...NONE, progress, stalledSince: stallsAt <= clock.now() ? stallsAt : null }
      }
      default:
        return NONE
    }
  }
