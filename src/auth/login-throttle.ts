import type { Clock } from '../clock.js'
import { addressKey } from '../net/address.js'
import { createRateWindow } from '../rate-window.js'

const FAILURES_PER_WINDOW = 10
const WINDOW_MS = 60_000

export interface LoginThrottle {
  /** In how many seconds the address may try again; null: now. */
  retryAfter(address: string): number | null
  /** Counts a failed login and returns how many the address has in its current minute. */
  failed(address: string): number
}

/** Counts failed logins by address, an IPv6 network as one. Each minute begins with the first failure. */
export function createLoginThrottle(clock: Clock): LoginThrottle {
  const failures = createRateWindow(clock, WINDOW_MS)
  return {
    retryAfter(address) {
      const key = addressKey(address)
      return failures.sum(key) < FAILURES_PER_WINDOW ? null : failures.secondsLeft(key)
    },
    failed: address => failures.add(addressKey(address), 1),
  }
}
