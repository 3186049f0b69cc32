import type { Clock } from './clock.js'

/** Runs one round after the other and sleeps in between. It knows no task: what a round does is not its business. */
export interface Poller extends AsyncDisposable {
  /** Ends the nap; during a round: the next round follows at once. */
  nudge(): void
  /** Why the last round failed; null when it went well. */
  problem(): string | null
  /** Whether it naps, having nothing to do before the time it naps for. */
  isAsleep(): boolean
  /** Resolves when it does. */
  asleep(): Promise<void>
}

export interface PollerParts {
  clock: Clock
  /** Does what is due and answers when to come back, in monotonic milliseconds; null: when nudged. */
  round(stopping: AbortSignal): Promise<number | null>
  onError(thrown: unknown): void
}

/** How long a failed round waits for the next. */
const AFTER_ERROR_MS = 5_000

/** Starts a loop that is never in two rounds at once. Disposing it waits for the round that is under way. */
export const startPoller = ({ clock, round, onError }: PollerParts): Poller => {
  const stopping = new AbortController()
  let nap = new AbortController()
  let problem: string | null = null
  let napping = false
  const tellAsleep: (() => void)[] = []

  const loop = async () => {
    while (!stopping.signal.aborted) {
      // Armed before the round: a nudge that comes while the round runs must not be slept over.
      nap = new AbortController()
      let wakeAt: number | null
      try {
        wakeAt = await round(stopping.signal)
        problem = null
      } catch (thrown) {
        wakeAt = clock.monotonic() + AFTER_ERROR_MS
        problem = thrown instanceof Error ? thrown.message : String(thrown)
        onError(thrown)
      }
      if (nap.signal.aborted || stopping.signal.aborted) continue
      napping = true
      const slept = clock.sleep(wakeAt === null ? Number.POSITIVE_INFINITY : wakeAt - clock.monotonic(), nap.signal)
      for (const tell of tellAsleep.splice(0)) tell()
      await slept
      napping = false
    }
    for (const tell of tellAsleep.splice(0)) tell()
  }
  const looping = loop()
  const isAsleep = () => napping && !nap.signal.aborted

  return {
    nudge: () => nap.abort(),
    problem: () => problem,
    isAsleep,
    asleep: () => (isAsleep() ? Promise.resolve() : new Promise(resolve => tellAsleep.push(resolve))),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      nap.abort()
      await looping
    },
  }
}
