import { setTimeout as sleep } from 'node:timers/promises'

/** What happens out there that is worth being interrupted by a kill. */
export type Moment = 'create' | 'submit' | 'accepted' | 'find' | 'status'

/** Tells whoever waits for it that something happens right now. */
export const createMoments = () => {
  const waiting = new Map<Moment, Set<() => void>>()
  return {
    tell(moment: Moment) {
      for (const wake of waiting.get(moment) ?? []) wake()
      waiting.delete(moment)
    },
    /** Resolves at the next such moment, or after `atMostMs`. */
    async next(moment: Moment, atMostMs: number) {
      const arrived = new AbortController()
      const wake = () => arrived.abort()
      waiting.set(moment, (waiting.get(moment) ?? new Set()).add(wake))
      await sleep(atMostMs, undefined, { signal: arrived.signal }).catch(() => {})
      waiting.get(moment)?.delete(wake)
    },
  }
}

export type Moments = ReturnType<typeof createMoments>
