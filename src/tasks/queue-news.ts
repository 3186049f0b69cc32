import type { Clock } from '../clock.js'
import type { Hints } from './hints.js'

/** At most this often whoever watches a queued task hears that its place has changed. */
const BETWEEN_MS = 5_000

/** Tells the watchers of queued tasks that the queue has moved: not at each step, and never too late for the last. */
export const createQueueNews = ({ hints, clock }: { hints: Hints; clock: Clock }) => {
  let moved = false
  let toldAt = 0
  return {
    moved() {
      moved = true
    },
    /** A round for a poller. */
    async round(): Promise<number | null> {
      if (!moved) return null
      const now = clock.now()
      if (now < toldAt + BETWEEN_MS) return toldAt + BETWEEN_MS
      moved = false
      toldAt = now
      hints.stir(null)
      return null
    },
  }
}
