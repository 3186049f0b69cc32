import type { Clock } from './clock.js'

/** Counts points per key in fixed windows, each of which begins with the key's first point. */
export interface RateWindow {
  /** Adds points and returns the sum of the key's current window. */
  add(key: string, points: number): number
  /** The sum of the key's current window. */
  sum(key: string): number
  /** Whole seconds until the key's window ends; 0 when it has none. */
  secondsLeft(key: string): number
}

/** Windows follow the injected clock's monotonic time, so a wall clock that is set forward or back has no effect. */
export function createRateWindow(clock: Clock, windowMs: number): RateWindow {
  const windows = new Map<string, { readonly endsAt: number; sum: number }>()
  let pruneAt = clock.monotonic() + windowMs

  function prune(now: number): void {
    if (now < pruneAt) return
    pruneAt = now + windowMs
    for (const [key, { endsAt }] of windows) if (endsAt <= now) windows.delete(key)
  }

  function current(key: string, now: number) {
    const window = windows.get(key)
    return window && window.endsAt > now ? window : null
  }

  return {
    add(key, points) {
      const now = clock.monotonic()
      prune(now)
      const window = current(key, now) ?? { endsAt: now + windowMs, sum: 0 }
      window.sum += points
      windows.set(key, window)
      return window.sum
    },
    sum: key => current(key, clock.monotonic())?.sum ?? 0,
    secondsLeft(key) {
      const now = clock.monotonic()
      return Math.ceil(((current(key, now)?.endsAt ?? now) - now) / 1_000)
    },
  }
}
