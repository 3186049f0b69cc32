import { setTimeout as sleep } from 'node:timers/promises'

/** What happens around the gateway at which an interruption is most interesting. */
export const CRASH_POINTS = ['create', 'submit', 'accepted', 'find', 'status'] as const
export type CrashPoint = (typeof CRASH_POINTS)[number]

export type CrashPoints = ReturnType<typeof createCrashPoints>

export function createCrashPoints() {
  const waiting = new Map<CrashPoint, Set<() => void>>()
  return {
    /** Wakes everything that waits for this point. */
    reached(point: CrashPoint) {
      for (const wake of waiting.get(point) ?? []) wake()
      waiting.delete(point)
    },
    /** Resolves when the point is reached next, or after `atMostMs`. */
    async next(point: CrashPoint, atMostMs: number) {
      const arrived = new AbortController()
      const wake = () => arrived.abort()
      waiting.set(point, (waiting.get(point) ?? new Set()).add(wake))
      await sleep(atMostMs, undefined, { signal: arrived.signal }).catch(() => {})
      waiting.get(point)?.delete(wake)
    },
  }
}
