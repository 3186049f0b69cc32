import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Clock } from '../clock.js'
import { addressKey } from '../net/address.js'

const FAILURES_PER_MINUTE = 10
const WINDOW_S = 60

/**
 * Counts failed logins by address. The minutes are those of the injected clock, each a counter of its own; the limiter's
 * own clock only has to outlast them.
 */
export const createLoginThrottle = (clock: Clock) => {
  const limiter = new RateLimiterMemory({ points: FAILURES_PER_MINUTE, duration: WINDOW_S })
  const minute = () => Math.floor(clock.now() / (WINDOW_S * 1_000))
  const counterOf = (from: string) => `${minute()} ${addressKey(from)}`

  return {
    /** In how many seconds the address may try again; null: at once. */
    async retryAfter(from: string): Promise<number | null> {
      const failures = (await limiter.get(counterOf(from)))?.consumedPoints ?? 0
      return failures < FAILURES_PER_MINUTE ? null : Math.ceil((minute() + 1) * WINDOW_S - clock.now() / 1_000)
    },
    /** Answers how many failures it is in this minute. */
    async failed(from: string): Promise<number> {
      return (await limiter.penalty(counterOf(from))).consumedPoints
    },
  }
}
