import type { Clock } from '../../clock.js'

/** Ends calls that take too long or whose signal aborts. */
export interface CallLimits {
  /** Watches a call until the returned function is called. `stop` is called at most once. */
  watch(signal: AbortSignal, stop: (reason: Error) => void): () => void
}

interface Call {
  readonly deadline: number
  readonly stop: (reason: Error) => void
}

/**
 * All calls share one timer and, for each signal, one listener: at thousands of calls per second a timer and a listener
 * of their own would cost more than the calls.
 */
export function createCallLimits(clock: Clock, timeoutMs: number): CallLimits {
  /** By the signal; the calls of each in the order of their deadlines, because all have the same limit. */
  const groups = new Map<AbortSignal, Set<Call>>()
  let nap: AbortController | null = null

  const open = (signal: AbortSignal): Set<Call> => {
    const calls = new Set<Call>()
    groups.set(signal, calls)
    signal.addEventListener('abort', onAbort)
    return calls
  }

  function onAbort(this: AbortSignal) {
    const calls = groups.get(this) ?? []
    for (const call of calls) call.stop(new Error('was stopped'))
  }

  const earliest = (): Call | undefined => {
    const firsts = [...groups.values()].flatMap(([first]) => first ?? [])
    return firsts.sort((a, b) => a.deadline - b.deadline)[0]
  }

  const keepTime = async (signal: AbortSignal) => {
    for (let next = earliest(); next; next = earliest()) {
      const now = clock.monotonic()
      if (next.deadline > now) await clock.sleep(next.deadline - now, signal)
      else end(next, new Error(`timed out after ${timeoutMs / 1000} s`))
      if (signal.aborted) return
    }
    nap = null
  }

  const end = (call: Call, reason: Error) => {
    for (const [signal, calls] of groups) forget(signal, calls, call)
    call.stop(reason)
  }

  const forget = (signal: AbortSignal, calls: Set<Call>, call: Call) => {
    if (!calls.delete(call) || calls.size > 0) return
    groups.delete(signal)
    signal.removeEventListener('abort', onAbort)
  }

  const rest = () => {
    nap?.abort()
    nap = null
  }

  return {
    watch(signal, stop) {
      const calls = groups.get(signal) ?? open(signal)
      const call = { deadline: clock.monotonic() + timeoutMs, stop }
      calls.add(call)
      if (!nap) {
        nap = new AbortController()
        void keepTime(nap.signal)
      }
      return () => {
        forget(signal, calls, call)
        // A timer without calls would keep the process alive.
        if (groups.size === 0) rest()
      }
    },
  }
}
