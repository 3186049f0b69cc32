import type { Clock } from '../../clock.js'
import type { SubmitQueue } from '../task-store.js'
import type { Transitions } from '../transitions.js'

export interface ExpireParts {
  store: Pick<SubmitQueue, 'expiredQueued'>
  transitions: Transitions
  clock: Clock
  /** How long a task may be queued. */
  maxQueueMs: number
}

const BATCH = 100
const HOUR_MS = 3_600_000

/** Fails all tasks that have been queued for too long, however many: one that is left would be submitted next. */
export async function expireQueued(now: number, { store, transitions, clock, maxQueueMs }: ExpireParts) {
  const message = `It waited longer than ${maxQueueMs / HOUR_MS} h to be submitted.`
  for (;;) {
    const expired = await store.expiredQueued(now - maxQueueMs, BATCH)
    for (const task of expired) {
      const failure = { code: 'EXPIRED', message } as const
      await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason: message })
      await new Promise(setImmediate)
    }
    if (expired.length < BATCH) return
  }
}
