import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'

const WINDOW_MS = 60_000

/** Limits the creates of each caller per minute, counted from the first. All keys of a caller share one counter. */
export interface CreateRate {
  /** Counts one create. Throws `RATE_LIMITED` beyond the caller's limit. */
  count(caller: Caller): void
  /** How many creates the caller has left in its current minute; null: no limit. */
  left(caller: Caller): number | null
}

export function createRateLimit(clock: Pick<Clock, 'monotonic'>): CreateRate {
  // In the order in which the windows end, because they are equally long.
  const windows = new Map<string, { used: number; readonly endsMono: number }>()

  function windowOf(id: string) {
    const now = clock.monotonic()
    for (const [caller, { endsMono }] of windows) {
      if (endsMono > now) break
      windows.delete(caller)
    }
    return { now, window: windows.get(id) ?? { used: 0, endsMono: now + WINDOW_MS } }
  }

  return {
    count({ id, limits: { createsPerMinute } }) {
      if (createsPerMinute === null) return
      const { now, window } = windowOf(id)
      if (window.used >= createsPerMinute) {
        const retryAfter = Math.max(1, Math.ceil((window.endsMono - now) / 1_000))
        throw new GatewayError('RATE_LIMITED', `The limit of ${createsPerMinute} creates a minute is reached.`, {
          retryAfter,
        })
      }
      window.used++
      windows.set(id, window)
    },
    left({ id, limits: { createsPerMinute } }) {
      return createsPerMinute === null ? null : Math.max(0, createsPerMinute - windowOf(id).window.used)
    },
  }
}
