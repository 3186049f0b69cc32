/**
 * How many checks may run at a time, adapted to what the upstream takes, like TCP's congestion window: doubled with each
 * round of answers until the upstream shows strain, from then on one more with each round, and halved at each strain.
 */
export interface AdaptiveLimit {
  current(): number
  /** A check succeeded. The limit grows only while checks are late: without need there is no reason to ask for more. */
  succeeded(isLate: boolean, tookMs: number): void
  /** A check that began at this time was too much for the upstream: it was refused for a rate limit or timed out. */
  strained(begunAt: number, now: number): void
}

/** So that a few checks that hang do not hold up the others. */
const FLOOR = 8
/** Each check that runs holds a connection. */
const CEILING = 1_024
/** Answers that take this many times as long as the quickest ones come from a queue: more checks would only lengthen it. */
const QUEUEING = 4
const SMALLEST_QUEUEING_MS = 25
/** How fast the quickest answer is forgotten, so that the measure follows an upstream that became slower. */
const FORGETTING = 1.001

export function createAdaptiveLimit(): AdaptiveLimit {
  let limit = FLOOR
  let quickestMs = Number.POSITIVE_INFINITY
  let shrunkAt = Number.NEGATIVE_INFINITY
  return {
    current: () => Math.floor(limit),
    succeeded(isLate, tookMs) {
      quickestMs = Math.min(quickestMs * FORGETTING, Math.max(tookMs, 1))
      if (!isLate || tookMs > Math.max(quickestMs * QUEUEING, SMALLEST_QUEUEING_MS)) return
      const hasShrunk = shrunkAt > Number.NEGATIVE_INFINITY
      limit = Math.min(limit + (hasShrunk ? 1 / limit : 1), CEILING)
    },
    strained(begunAt, now) {
      // Checks that were under way at the last decrease say nothing about the new limit.
      if (begunAt < shrunkAt) return
      shrunkAt = now
      limit = Math.max(limit / 2, FLOOR)
    },
  }
}
