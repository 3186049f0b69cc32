import type { Clock } from '../../clock.js'
import type { ChangeNotifier } from '../change-notifier.js'

/** The shortest time between two notifications. */
const INTERVAL_MS = 5_000

/** Notifies the followers of queued tasks that the queue moved: not at each step, and always after the last. */
export interface QueuePositionUpdates {
  moved(): void
  /** A round for a poller. Returns when to run again, in monotonic milliseconds. */
  round(): Promise<number | null>
}

export function createQueuePositionUpdates(parts: {
  notifier: Pick<ChangeNotifier, 'refreshed'>
  clock: Clock
}): QueuePositionUpdates {
  const { notifier, clock } = parts
  let hasMoved = false
  let nextAt = Number.NEGATIVE_INFINITY
  return {
    moved() {
      hasMoved = true
    },
    async round() {
      if (!hasMoved) return null
      const now = clock.monotonic()
      if (now < nextAt) return nextAt
      hasMoved = false
      nextAt = now + INTERVAL_MS
      notifier.refreshed(null)
      return null
    },
  }
}
