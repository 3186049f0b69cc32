import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Journal } from './journal.js'
import { asUpstreamError, jobOf, type TaskStore, type Upstream, UpstreamError } from './ports.js'
import { backoffMs, type Pace, type Random, watchFrom } from './schedule.js'
import type { TaskIn } from './task.js'

/**
 * The lane: the one place from which paid calls leave, one at a time, in the order of arrival.
 *
 * Before a call leaves, the task is written as `submitting`; after it, as what the answer says. A refusal that surely
 * cost nothing sends the task back to its place in the queue and holds the lane, because the next task would meet the
 * same: a limit, a wrong key, an upstream out of reach. A lost answer makes the task `unknown`, and the lane goes on
 * after a pause. Only a refusal of the inputs themselves is the task's own failure.
 */
export interface Lane {
  /** Submits what may leave now. Answers when to come back. */
  round(stopping: AbortSignal): Promise<number | null>
  hold(): Hold | null
}

/** Why nothing leaves, and until when. */
export interface Hold {
  readonly kind: UpstreamError['kind']
  readonly reason: string
  readonly until: number
}

export interface LaneParts {
  store: TaskStore
  upstream: Upstream
  journal: Journal
  clock: Clock
  log: Logger
  random: Random
  pace: Pace
  /** How long a submit may take; what is still `submitting` well after that has lost its answer. */
  timeoutMs: number
  /** Cuts off a running submit. */
  cut: AbortSignal
}

const RATE_LIMIT_HOLD_MS = 60_000
const ACCOUNT_HOLD_MS = 60_000
/** What is still `submitting` this long after the call's time limit has lost its answer inside the gateway. */
const STUCK_AFTER_MS = 30_000

export const createLane = (parts: LaneParts): Lane => {
  const { store, upstream, journal, clock, log, random, pace, timeoutMs, cut } = parts
  let hold: Hold | null = null
  let failures = 0

  const submit = async (queued: TaskIn<'queued'>) => {
    const attemptedAt = clock.now()
    const watch = watchFrom(attemptedAt + timeoutMs + STUCK_AFTER_MS)
    const task = await journal.move(queued, 'submitting', { attemptedAt }, { watch })
    if (!task) return
    const answer = await upstream.submit(jobOf(task), cut).catch(asUpstreamError)
    if (answer instanceof UpstreamError) await refuse(task, answer)
    else await accept(task, answer)
  }

  const accept = async (task: TaskIn<'submitting'>, upstreamId: string) => {
    hold = null
    failures = 0
    const submittedAt = clock.now()
    const why = { watch: watchFrom(submittedAt + pace.firstMs) }
    if (await journal.move(task, 'submitted', { upstreamId, submittedAt }, why)) return
    // Somebody took the answer for lost meanwhile; here it is.
    const current = await store.get(task.id)
    if (current?.stage === 'unknown') await journal.move(current, 'submitted', { upstreamId, submittedAt }, why)
  }

  const refuse = async (task: TaskIn<'submitting'>, error: UpstreamError) => {
    const now = clock.now()
    const reason = error.message
    log.warn({ taskId: task.id, kind: error.kind, err: error }, 'submit failed')
    switch (error.kind) {
      case 'rejected': {
        const failure = { code: 'UPSTREAM_REJECTED', message: reason } as const
        hold = null
        failures = 0
        await journal.move(task, 'failed', { completedAt: now, failure }, { reason })
        return
      }
      case 'rate-limited':
        hold = { kind: error.kind, reason, until: now + (error.retryAfterMs ?? RATE_LIMIT_HOLD_MS) }
        await journal.move(task, 'queued', {}, { reason })
        return
      case 'account':
        hold = { kind: error.kind, reason, until: now + ACCOUNT_HOLD_MS }
        await journal.move(task, 'queued', {}, { reason })
        return
      case 'not-accepted':
        hold = { kind: error.kind, reason, until: now + backoffMs(failures++, random) }
        await journal.move(task, 'queued', {}, { reason })
        return
      case 'not-found':
      case 'unclear':
        hold = { kind: error.kind, reason, until: now + backoffMs(failures++, random) }
        await journal.move(task, 'unknown', {}, { reason, watch: watchFrom(now + pace.firstMs) })
    }
  }

  return {
    async round(stopping) {
      while (!stopping.aborted) {
        const task = await store.nextQueued()
        if (hold && hold.until > clock.now()) return task && hold.until
        if (!task) {
          hold = null
          return null
        }
        await submit(task)
      }
      return null
    },
    hold: () => hold,
  }
}
