import type { Clock } from '../../clock.js'
import type { GatewayState, Polled, PollQueue } from '../task-store.js'

/** What one check brought: what to save of the task, if it did not move. */
export type CheckResult = Polled | null

export interface CheckPoolParts {
  store: Pick<PollQueue, 'takeDue' | 'nextDueMono' | 'savePollStates'> & Pick<GatewayState, 'isShared'>
  clock: Clock
  /** The time limit of a check. */
  timeoutMs: number
  /** How many checks may run now. */
  limit(): number
  /** Checks one task. */
  check(polled: Polled): Promise<CheckResult>
  /** Tasks to check now although they are not due. */
  takeEarly(isUnderWay: (taskId: string) => boolean): Promise<readonly Polled[]>
  /** Reports poll states that were saved. */
  onSaved(saved: readonly Polled[]): void
}

/** Checks what is due, with as many checks at a time as allowed. A slow check holds up no other. */
export interface CheckPool {
  /** Runs until nothing is due and no check is under way. Returns when the next check is due. */
  round(stopping: AbortSignal): Promise<number | null>
  /** Makes a round that is under way look for due and early tasks now. */
  wake(): void
}

/** Tasks read at a time, and poll states written at a time: each takes a few milliseconds, then the event loop turns. */
const BATCH = 50
/**
 * How long a task that was taken is kept from other gateways, besides two checks that reach their time limit: twice as
 * many tasks are taken as are checked at a time.
 */
const SPARE_LEASE_MS = 10_000
/** While checks are under way: how often to look for tasks that became due meanwhile. */
const RECHECK_MS = 250
/** How often to look for due tasks when other gateways schedule checks too: one of them may be lost at any time. */
const SHARED_RECHECK_MS = 2_500
/** Checks begun without a turn of the event loop. */
const BURST = 10

export function createCheckPool({
  store,
  clock,
  timeoutMs,
  limit,
  check,
  takeEarly,
  onSaved,
}: CheckPoolParts): CheckPool {
  const underWay = new Set<string>()
  const isUnderWay = (taskId: string) => underWay.has(taskId)
  /** Tasks whose check failed inside the gateway. The other tasks are checked before these are tried again. */
  const failed = new Map<string, unknown>()
  const signal = createSignal()
  let waiting: Polled[] = []
  const results: Polled[] = []
  /** After this time, a check that begins could end after its lease. */
  let startUntil = 0
  let readAgainAt = 0
  let early = true
  let begun = 0
  let alarm: AbortController | null = null

  const save = async () => {
    while (results.length > 0) {
      const saved = results.splice(0, BATCH)
      await store.savePollStates(saved)
      onSaved(saved)
      await turn()
    }
  }

  const read = async (now: number) => {
    // Saved first: what was just checked must not look due.
    await save()
    const most = store.isShared ? Math.min(BATCH, limit() * 2) : BATCH
    const except = [...underWay, ...failed.keys()]
    const leaseMs = 2 * timeoutMs + SPARE_LEASE_MS
    waiting = await store.takeDue({ nowMono: now, leaseMs, limit: most, except })
    startUntil = now + leaseMs - timeoutMs
    readAgainAt = waiting.length < most ? now + RECHECK_MS : now
  }

  const start = (polled: Polled) => {
    const { id } = polled.task
    if (isUnderWay(id)) return
    underWay.add(id)
    const ended = () => {
      underWay.delete(id)
      early = true
      signal.raise()
    }
    check(polled).then(
      result => {
        if (result) results.push(result)
        ended()
      },
      problem => {
        failed.set(id, problem)
        ended()
      },
    )
  }

  /** Starts as many checks as may run, until nothing more is due. */
  const fill = async () => {
    for (;;) {
      const now = clock.monotonic()
      if (early) {
        early = false
        waiting.unshift(...(await takeEarly(isUnderWay)))
      }
      if (waiting.length === 0 && (now >= readAgainAt || underWay.size === 0)) await read(now)
      while (waiting.length > 0 && underWay.size < limit()) {
        // This process stood still: another gateway checks what it took.
        if (store.isShared && clock.monotonic() > startUntil) {
          waiting = []
          break
        }
        const next = waiting.shift()
        if (next) start(next)
        if (++begun % BURST === 0) await turn()
      }
      if (waiting.length > 0 || now < readAgainAt) return
    }
  }

  return {
    async round(stopping) {
      stopping.addEventListener('abort', signal.raise)
      ;[waiting, readAgainAt, early] = [[], 0, true]
      failed.clear()
      const problems: unknown[] = []
      const fillOrStop = () =>
        fill().catch(thrown => {
          problems.push(thrown)
        })
      try {
        for (;;) {
          const goesOn = !stopping.aborted && problems.length === 0
          if (goesOn) await fillOrStop()
          if (underWay.size === 0 && (stopping.aborted || problems.length > 0 || waiting.length === 0)) break
          await waitForWork()
        }
        await save()
        const [thrown] = [...problems, ...failed.values()]
        if (thrown !== undefined) throw thrown
        const nextAt = await store.nextDueMono()
        return store.isShared
          ? Math.min(nextAt ?? Number.POSITIVE_INFINITY, clock.monotonic() + SHARED_RECHECK_MS)
          : nextAt
      } finally {
        stopping.removeEventListener('abort', signal.raise)
        alarm?.abort()
        alarm = null
      }
    },

    wake() {
      early = true
      readAgainAt = 0
      signal.raise()
    },
  }

  /** Until a check ends, something else wakes the round, or it is time to look for due tasks. */
  async function waitForWork() {
    if (waiting.length === 0) alarm ??= startAlarm()
    await signal.wait()
  }

  /** Raises the signal when it is time to read again. Several waits share one. */
  function startAlarm(): AbortController {
    const started = new AbortController()
    void clock.sleep(Math.max(readAgainAt - clock.monotonic(), 1), started.signal).then(() => {
      if (started.signal.aborted) return
      alarm = null
      signal.raise()
    })
    return started
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** A flag to wait for. Raised before the wait, it ends the wait at once. */
function createSignal() {
  let isRaised = false
  let resolve = () => {}
  const raise = () => {
    isRaised = true
    resolve()
  }
  return {
    raise,
    async wait() {
      if (!isRaised) await new Promise<void>(done => (resolve = done))
      isRaised = false
    },
  }
}
