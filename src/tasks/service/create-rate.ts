import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import { createRateWindow } from '../../rate-window.js'
import type { Caller } from '../caller.js'

const WINDOW_MS = 60_000

/** Limits the creates of each caller per minute, counted from the first. All keys of a caller share one counter. */
export interface CreateRate {
  /** Counts creates, one unless a number is given: all or none. Throws `RATE_LIMITED` beyond the caller's limit. */
  count(caller: Caller, creates?: number): void
  /** How many creates the caller has left in its current minute; null: no limit. */
  left(caller: Caller): number | null
}

export function createRateLimit(clock: Clock): CreateRate {
  const creates = createRateWindow(clock, WINDOW_MS)
  return {
    count({ id, limits: { createsPerMinute } }, added = 1) {
      if (createsPerMinute === null) return
      if (added > 1 && added > createsPerMinute) {
        const message = `A batch of ${added} can never be accepted: the limit is ${createsPerMinute} creates a minute.`
        throw new GatewayError('LIMIT_EXCEEDED', message, { limit: 'createsPerMinute' })
      }
      if (creates.sum(id) + added > createsPerMinute) {
        const message = `The limit of ${createsPerMinute} creates a minute is reached.`
        throw new GatewayError('RATE_LIMITED', message, {
          retryAfter: Math.max(1, creates.secondsLeft(id)),
          createsPerMinute,
        })
      }
      creates.add(id, added)
    },
    left: ({ id, limits: { createsPerMinute } }) =>
      createsPerMinute === null ? null : Math.max(0, createsPerMinute - creates.sum(id)),
  }
}
