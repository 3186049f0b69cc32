import { pollAt } from '../poll-state.js'
import type { TaskIn } from '../task.js'
import type { DriverParts } from './driver-parts.js'
import { backoffMs } from './poll-schedule.js'
import { nextSlots } from './sliding-window.js'
import { asUpstreamError, submitRequestOf, UpstreamError } from './upstream.js'

/**
 * The lane: the one place from which paid calls leave, one at a time: callers in turns, each in its own order.
 *
 * At most so many leave in any 60 s as the upstream takes. They are counted in the log, by when they ended, so that a
 * restart forgets none and a slow network can't bring two windows' calls together at the upstream. What waited too long
 * is not sent any more, because nobody expects its bill.
 *
 * Before a call leaves, the task is written as `submitting`; after it, as what the answer says. A refusal that surely
 * cost nothing sends the task back to its place in the queue and holds the lane, because the next task would meet the
 * same: a limit, a wrong key, an upstream out of reach. A lost answer makes the task `unknown`, and the lane goes on
 * after a pause. Only a refusal of the inputs themselves is the task's own failure.
 */
export interface Submitter {
  /** Submits what may leave now. Answers when to come back. */
  round(stopping: AbortSignal): Promise<number | null>
  status(): Promise<SubmitQueueStatus>
  /** Tells when so many more submits may have left; null when nobody knows. */
  forecast(): Promise<(place: number) => number | null>
}

/** Why nothing leaves, and until when: then it is tried again. */
interface Hold {
  readonly kind: UpstreamError['kind']
  readonly reason: string
  readonly until: number
}

/** `AT_LIMIT`: as many left in the last minute, or are being made, as may. `PAUSED`: the upstream refused or failed, and is tried again. */
export const SUBMIT_QUEUE_STATES = ['OPEN', 'AT_LIMIT', 'PAUSED'] as const
export interface SubmitQueueStatus {
  readonly state: (typeof SUBMIT_QUEUE_STATES)[number]
  readonly reason: string | null
  /** When the next may leave; null: at once. Milliseconds since the Unix epoch. */
  readonly until: number | null
}

export interface SubmitterParts extends DriverParts {
  /** In any 60 s; null: as many as come. */
  submitsPerMinute: number | null
  /** How long a task may wait to be sent. */
  maxQueueMs: number
}

const RATE_LIMIT_HOLD_MS = 60_000
const ACCOUNT_HOLD_MS = 60_000
/** What is still `submitting` this long after the call's time limit has lost its answer inside the gateway. */
const STUCK_AFTER_MS = 30_000
const EXPIRE_BATCH = 100
const HOUR_MS = 3_600_000

export const createSubmitter = (parts: SubmitterParts): Submitter => {
  const { store, upstream, transitions, clock, log, random, pace, timeoutMs, cut, submitsPerMinute, maxQueueMs } = parts
  let hold: Hold | null = null
  let failures = 0

  const submit = async (queued: TaskIn<'queued'>) => {
    const attemptedMono = clock.monotonic()
    const attempt = { attemptedAt: clock.now(), attemptedMono, attemptedUpstreamAt: null }
    const poll = pollAt(attemptedMono + timeoutMs + STUCK_AFTER_MS)
    const task = await transitions.move(queued, 'submitting', attempt, { poll })
    if (!task) return
    const answer = await upstream.submit(submitRequestOf(task), cut).catch(asUpstreamError)
    if (answer instanceof UpstreamError) await refuse(task, answer)
    else await accept(task, answer)
  }

  const accept = async (task: TaskIn<'submitting'>, upstreamId: string) => {
    hold = null
    failures = 0
    const accepted = { upstreamId, submittedAt: clock.now(), submittedMono: clock.monotonic() }
    // Should the next write fail, this line is what is left of it.
    log.info({ taskId: task.id, upstreamId }, 'submit accepted')
    const why = { poll: pollAt(accepted.submittedMono + pace.firstMs) }
    if (await transitions.move(task, 'submitted', accepted, why)) return
    // Somebody took the answer for lost meanwhile; here it is.
    const current = await store.get(task.id)
    if (current?.stage === 'unknown') await transitions.move(current, 'submitted', accepted, why)
  }

  const refuse = async (task: TaskIn<'submitting'>, error: UpstreamError) => {
    const now = clock.monotonic()
    const reason = error.message
    log.warn({ taskId: task.id, kind: error.kind, err: error }, 'submit failed')
    switch (error.kind) {
      case 'rejected': {
        const failure = { code: 'UPSTREAM_REJECTED', message: reason } as const
        hold = null
        failures = 0
        await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason })
        return
      }
      case 'rate-limited':
        hold = {
          kind: error.kind,
          reason,
          until: now + Math.max(error.retryAfterMs ?? RATE_LIMIT_HOLD_MS, backoffMs(0, random)),
        }
        await transitions.move(task, 'queued', {}, { reason })
        return
      case 'account':
        hold = { kind: error.kind, reason, until: now + ACCOUNT_HOLD_MS }
        await transitions.move(task, 'queued', {}, { reason })
        return
      case 'not-accepted':
        hold = { kind: error.kind, reason, until: now + backoffMs(failures++, random) }
        await transitions.move(task, 'queued', {}, { reason })
        return
      case 'not-found':
      case 'unclear':
        hold = { kind: error.kind, reason, until: now + backoffMs(failures++, random) }
        await transitions.move(task, 'unknown', {}, { reason, poll: pollAt(now + pace.firstMs) })
    }
  }

  const hasCapacity = () => upstream.hasCapacity?.() ?? true

  /** All of them, however many: one that is left would be the next to be sent. */
  const expire = async (now: number) => {
    let waiting: TaskIn<'queued'>[]
    do {
      waiting = await store.expiredQueued(now - maxQueueMs, EXPIRE_BATCH)
      for (const task of waiting) await expireOne(task)
    } while (waiting.length === EXPIRE_BATCH)
  }

  const expireOne = async (task: TaskIn<'queued'>) => {
    const failure = { code: 'EXPIRED', message: `It waited longer than ${maxQueueMs / HOUR_MS} h to be sent.` } as const
    await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason: failure.message })
  }

  /** When the next calls may leave: from now on, by the submits of the last minute and by what holds the lane. */
  const places = async (): Promise<(place: number) => number> => {
    const now = clock.monotonic()
    const from = Math.max(now, hold?.until ?? now)
    if (submitsPerMinute === null) return () => from
    const recent = await store.recentSubmits(submitsPerMinute)
    return nextSlots(
      recent.map(submit => submit.endedMono).sort((a, b) => a - b),
      submitsPerMinute,
      now,
      from,
    )
  }

  return {
    async round(stopping) {
      while (!stopping.aborted) {
        const now = clock.monotonic()
        await expire(now)
        const task = await store.nextToSubmit()
        if (!task && (hold?.until ?? now) <= now) hold = null
        const oldest = await store.oldestQueued()
        const expiresAt = oldest && oldest.queuedMono + maxQueueMs
        if (!task && hold) return Math.min(hold.until, expiresAt ?? hold.until)
        if (!task || expiresAt === null || !hasCapacity()) return expiresAt
        const freeAt = (await places())(0)
        if (freeAt > now) return Math.min(freeAt, expiresAt)
        await submit(task)
      }
      return null
    },
    async status() {
      if (hold) return { state: 'PAUSED', reason: hold.reason, until: clock.now() + hold.until - clock.monotonic() }
      if (!hasCapacity())
        return { state: 'AT_LIMIT', reason: 'the upstream works on as many jobs as it can', until: null }
      const freeAt = (await places())(0)
      const now = clock.monotonic()
      if (freeAt <= now) return { state: 'OPEN', reason: null, until: null }
      return {
        state: 'AT_LIMIT',
        reason: `${submitsPerMinute} submits left in the last minute`,
        until: clock.now() + freeAt - now,
      }
    },
    async forecast() {
      const predictable = (hold === null || hold.kind === 'rate-limited') && hasCapacity()
      return predictable ? places() : () => null
    },
  }
}
