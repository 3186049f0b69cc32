import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { GatewayError } from '../errors.js'
import type { Caller } from '../tasks/caller.js'

const MINUTE_SECONDS = 60

/** Counts the creates of each caller; throws `RATE_LIMITED` beyond its limit, with `retryAfter` in seconds. */
export const createAdmission = () => {
  const limiters = new Map<number, RateLimiterMemory>()
  const limiterOf = (points: number) => {
    const limiter = limiters.get(points) ?? new RateLimiterMemory({ points, duration: MINUTE_SECONDS })
    limiters.set(points, limiter)
    return limiter
  }
  return async ({ id, limits: { createsPerMinute } }: Caller): Promise<void> => {
    if (createsPerMinute === null) return
    await limiterOf(createsPerMinute)
      .consume(id)
      .catch((refused: unknown) => {
        if (!(refused instanceof RateLimiterRes)) throw refused
        const retryAfter = Math.ceil(refused.msBeforeNext / 1_000)
        throw new GatewayError('RATE_LIMITED', `More than ${createsPerMinute} creates in a minute.`, { retryAfter })
      })
  }
}
