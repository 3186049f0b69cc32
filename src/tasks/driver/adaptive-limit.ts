/**
 * How many checks may run at a time, adapted to what the upstream takes: additive increase, multiplicative decrease, as
 * in TCP's congestion control.
 */
export interface AdaptiveLimit {
  current(): number
  /** A check succeeded. The limit grows only while checks are late: without need there is no reason to ask for more. */
  succeeded(isLate: boolean): void
  /** A check that began at this time was too much for the upstream: it was refused for a rate limit or timed out. */
  strained(begunAt: number, now: number): void
}

/** So that a few checks that hang do not hold up the others. */
const FLOOR = 8

export function createAdaptiveLimit(ceiling: number): AdaptiveLimit {
  const floor = Math.min(FLOOR, ceiling)
  let limit = floor
  let shrunkAt = Number.NEGATIVE_INFINITY
  return {
    current: () => Math.floor(limit),
    succeeded(isLate) {
      if (isLate) limit = Math.min(limit + 1 / limit, ceiling)
    },
    strained(begunAt, now) {
      // Checks that were under way at the last decrease say nothing about the new limit.
      if (begunAt < shrunkAt) return
      shrunkAt = now
      limit = Math.max(limit / 2, floor)
    },
  }
}
