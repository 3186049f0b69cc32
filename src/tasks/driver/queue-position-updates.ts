import type { Clock } from '../../clock.js'
import type { ChangeNotifier } from '../change-notifier.js'

/** At most this often whoever watches a queued task hears that its place has changed. */
const BETWEEN_MS = 5_000

/** Tells the watchers of queued tasks that the queue has moved: not at each step, and never too late for the last. */
export const createQueuePositionUpdates = ({ notifier, clock }: { notifier: ChangeNotifier; clock: Clock }) => {
  let moved = false
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    moved() {
      moved = true
    },
    /** A round for a poller. */
    async round(): Promise<number | null> {
      if (!moved) return null
      const now = clock.monotonic()
      if (now < toldAt + BETWEEN_MS) return toldAt + BETWEEN_MS
      moved = false
      toldAt = now
      notifier.refreshed(null)
      return null
    },
  }
}
