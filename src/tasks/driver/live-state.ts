import type { Clock } from '../../clock.js'
import { isFinal, type Task } from '../task.js'
import type { TaskStore } from '../task-store.js'
import { queuePosition } from './round-robin.js'
import type { StallDetection } from './stall-detection.js'
import type { Submitter } from './submitter.js'
import type { Upstream } from './upstream.js'

/** What can be said of a task that is not in the log, because it changes with time and with other tasks. */
export interface LiveState {
  /** 1 for the next to be sent; null when it is not queued (any more). */
  readonly queuePosition: number | null
  /** When it will be sent, as far as can be told: null when nobody knows. */
  readonly estimatedStartAt: number | null
  /** How much of it is made, 0 to 1; null when the upstream does not have it, or does not tell. */
  readonly progress: number | null
  /** Since when the upstream has had it for too long; null while all is well. */
  readonly stalledSince: number | null
  /** Why the upstream's latest answers could not be used; null while they can. */
  readonly problem: string | null
}

const NONE: LiveState = {
  queuePosition: null,
  estimatedStartAt: null,
  progress: null,
  stalledSince: null,
  problem: null,
}

/** How long a look at the queue serves, as long as no task moves: a page of queued tasks takes one look. */
const FRESH_MS = 100

export interface LiveStateParts {
  store: TaskStore
  upstream: Upstream
  submitter: Submitter
  clock: Clock
  stall: StallDetection
}

export const createLiveState = ({ store, upstream, submitter, clock, stall }: LiveStateParts) => {
  const look = async () => ({ lines: await store.callerQueues(), startOf: await submitter.forecast() })
  let queue: { seq: number; at: number; seen: ReturnType<typeof look> } | null = null

  const seeQueue = async () => {
    const [seq, now] = [await store.lastSeq(), clock.monotonic()]
    if (queue?.seq !== seq || now - queue.at > FRESH_MS) queue = { seq, at: now, seen: look() }
    return queue.seen
  }

  return async (task: Task): Promise<LiveState> => {
    if (isFinal(task)) return NONE
    // A state of the past, replayed from the log, has no liveState any more.
    const current = await store.get(task.id)
    if (current?.seq !== task.seq) return NONE
    switch (task.stage) {
      case 'queued': {
        const { lines, startOf } = await seeQueue()
        const before = queuePosition(lines, task.caller, (await store.queuedBefore([task])).get(task.id) ?? 0)
        const first = lines.find(line => line.caller === task.caller)?.first ?? null
        // One that waits for a lost answer to be settled is passed over until then.
        const isHeld = first === null || task.id < first
        const startMono = startOf(before)
        return {
          ...NONE,
          queuePosition: before + 1,
          estimatedStartAt: isHeld || startMono === null ? null : clock.now() + startMono - clock.monotonic(),
        }
      }
      case 'unknown':
      case 'submitted':
      case 'processing': {
        const [stallsAt, mono] = [stall.at(task), clock.monotonic()]
        const progress = task.stage === 'unknown' ? null : (upstream.progress?.(task.upstreamId) ?? null)
        return { ...NONE, progress, stalledSince: stallsAt <= mono ? clock.now() + stallsAt - mono : null }
      }
      default:
        return NONE
    }
  }
}
