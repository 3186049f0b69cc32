import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import { createRateWindow } from '../../rate-window.js'
import type { Caller, CallerLimits } from '../caller.js'

const WINDOW_MS = 60_000

/**
 * Limits the creates of each caller per minute, counted from the first. All keys of a caller share one counter. It counts
 * the attempts that come to this process; the store counts the creates of all gateways on the database.
 */
export interface CreateRate {
  /** Counts one create, of a task or of a batch. Throws `RATE_LIMITED` beyond the caller's limit. */
  count(caller: Caller): void
  /** How many creates the caller has left in its current minute; null: no limit. */
  left(caller: Caller): number | null
}

export function createRateLimit(clock: Clock): CreateRate {
  const creates = createRateWindow(clock, WINDOW_MS)
  return {
    count({ id, limits: { createsPerMinute } }) {
      if (createsPerMinute === null) return
      if (creates.sum(id) >= createsPerMinute) throw tooManyCreates({ createsPerMinute }, creates.secondsLeft(id))
      creates.add(id, 1)
    },
    left: ({ id, limits: { createsPerMinute } }) =>
      createsPerMinute === null ? null : Math.max(0, createsPerMinute - creates.sum(id)),
  }
}

export function tooManyCreates({ createsPerMinute }: Pick<CallerLimits, 'createsPerMinute'>, secondsLeft: number) {
  const message = `The limit of ${createsPerMinute} creates a minute is reached.`
  return new GatewayError('RATE_LIMITED', message, { retryAfter: Math.max(1, secondsLeft), createsPerMinute })
}
