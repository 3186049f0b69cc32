import { RateLimiterMemory } from 'rate-limiter-flexible'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'

/** Counts the creates of each caller; throws `RATE_LIMITED` beyond its limit, with `retryAfter` in seconds. */
export const createRateLimit = () => {
  // One count for a caller, whichever of its keys, each with a limit of its own, it comes with.
  const creates = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 60 })
  return async ({ id, limits: { createsPerMinute } }: Caller): Promise<void> => {
    if (createsPerMinute === null) return
    const { consumedPoints, msBeforeNext } = await creates.consume(id)
    if (consumedPoints <= createsPerMinute) return
    const retryAfter = Math.ceil(msBeforeNext / 1_000)
    throw new GatewayError('RATE_LIMITED', `More than ${createsPerMinute} creates in a minute.`, { retryAfter })
  }
}
