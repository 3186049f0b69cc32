import type { Clock } from './clock.js'

/** Runs one round after another and sleeps in between. */
export interface Poller extends AsyncDisposable {
  /** Ends the sleep; during a round: the next round follows at once. */
  nudge(): void
  /** Why the last round failed; null when it succeeded. */
  problem(): string | null
  /** Whether it sleeps and has nothing to do before it wakes. */
  isAsleep(): boolean
  /** Resolves when it sleeps. */
  asleep(): Promise<void>
}

export interface PollerParts {
  clock: Clock
  /** Does what is due. Returns when to run again, in monotonic milliseconds; null: when nudged. */
  round(stopping: AbortSignal): Promise<number | null>
  onError(thrown: unknown): void
}

/** Delay between a round that failed and the next one. */
const AFTER_ERROR_MS = 5_000

/** Starts a loop that never runs two rounds at once. Disposing it waits for the round that is under way. */
export function startPoller({ clock, round, onError }: PollerParts): Poller {
  const stopping = new AbortController()
  let nap = new AbortController()
  let problem: string | null = null
  let napping = false
  const onAsleep: (() => void)[] = []

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
      if (nap.signal.aborted || stopping.signal.aborted) {
        // A round that only awaits what is there already must not keep timers and sockets waiting.
        await new Promise(setImmediate)
        continue
      }
      napping = true
      const slept = clock.sleep(wakeAt === null ? Number.POSITIVE_INFINITY : wakeAt - clock.monotonic(), nap.signal)
      for (const resolve of onAsleep.splice(0)) resolve()
      await slept
      napping = false
    }
    for (const resolve of onAsleep.splice(0)) resolve()
  }
  const looping = loop()
  const isAsleep = () => napping && !nap.signal.aborted

  return {
    nudge: () => nap.abort(),
    problem: () => problem,
    isAsleep,
    asleep: () => (isAsleep() ? Promise.resolve() : new Promise(resolve => onAsleep.push(resolve))),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      nap.abort()
      await looping
    },
  }
}
