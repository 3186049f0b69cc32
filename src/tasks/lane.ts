import type { DrivingParts } from './driving-parts.js'
import { nextInLine } from './fair.js'
import { asUpstreamError, jobOf, UpstreamError } from './ports.js'
import { backoffMs, watchFrom } from './schedule.js'
import type { TaskIn } from './task.js'
import { nextPlaces, WINDOW_MS } from './window.js'

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
export interface Lane {
  /** Submits what may leave now. Answers when to come back. */
  round(stopping: AbortSignal): Promise<number | null>
  status(): Promise<LaneStatus>
  /** Tells when so many more submits may have left; null when nobody knows. */
  forecast(): Promise<(place: number) => number | null>
}

/** Why nothing leaves, and until when: then it is tried again. */
interface Hold {
  readonly kind: UpstreamError['kind']
  readonly reason: string
  readonly until: number
}

/** `FULL`: as many left in the last minute, or are being made, as may. `HELD`: the upstream refused or failed, and is tried again. */
export const LANE_STATES = ['OPEN', 'FULL', 'HELD'] as const
export interface LaneStatus {
  readonly state: (typeof LANE_STATES)[number]
  readonly reason: string | null
  /** When the next may leave; null: at once. Milliseconds since the Unix epoch. */
  readonly until: number | null
}

export interface LaneParts extends DrivingParts {
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

export const createLane = (parts: LaneParts): Lane => {
  const { store, upstream, journal, clock, log, random, pace, timeoutMs, cut, submitsPerMinute, maxQueueMs } = parts
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
    // Should the next write fail, this line is what is left of it.
    log.info({ taskId: task.id, upstreamId }, 'submit accepted')
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
        hold = {
          kind: error.kind,
          reason,
          until: now + Math.max(error.retryAfterMs ?? RATE_LIMIT_HOLD_MS, backoffMs(0, random)),
        }
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

  const hasRoom = () => upstream.hasRoom?.() ?? true

  const next = async (): Promise<TaskIn<'queued'> | null> => {
    const id = nextInLine(await store.queueLines())
    const task = id === null ? null : await store.get(id)
    return task?.stage === 'queued' ? task : null
  }

  /** All of them, however many: one that is left would be the next to be sent. */
  const expire = async (now: number) => {
    let waiting: TaskIn<'queued'>[]
    do {
      waiting = await store.waitingSince(now - maxQueueMs, EXPIRE_BATCH)
      for (const task of waiting) await expireOne(task, now)
    } while (waiting.length === EXPIRE_BATCH)
  }

  const expireOne = async (task: TaskIn<'queued'>, now: number) => {
    const failure = { code: 'EXPIRED', message: `It waited longer than ${maxQueueMs / HOUR_MS} h to be sent.` } as const
    await journal.move(task, 'failed', { completedAt: now, failure }, { reason: failure.message })
  }

  /** When the next calls may leave: from now on, by the submits of the last minute and by what holds the lane. */
  const places = async (): Promise<(place: number) => number> => {
    const now = clock.now()
    const from = Math.max(now, hold?.until ?? 0)
    if (submitsPerMinute === null) return () => from
    // A submit that began long ago may have ended just now.
    const ended = await store.submitsSince(now - WINDOW_MS - timeoutMs - STUCK_AFTER_MS)
    return nextPlaces(ended, submitsPerMinute, now, from)
  }

  return {
    async round(stopping) {
      while (!stopping.aborted) {
        const now = clock.now()
        await expire(now)
        const task = await next()
        if (!task && (hold?.until ?? 0) <= now) hold = null
        const oldestQueuedAt = await store.oldestQueuedAt()
        const expiresAt = oldestQueuedAt === null ? null : oldestQueuedAt + maxQueueMs
        if (!task && hold) return Math.min(hold.until, expiresAt ?? hold.until)
        if (!task || expiresAt === null || !hasRoom()) return expiresAt
        const freeAt = (await places())(0)
        if (freeAt > now) return Math.min(freeAt, expiresAt)
        await submit(task)
      }
      return null
    },
    async status() {
      if (hold) return { state: 'HELD', reason: hold.reason, until: hold.until }
      if (!hasRoom()) return { state: 'FULL', reason: 'the upstream works on as many jobs as it can', until: null }
      const freeAt = (await places())(0)
      if (freeAt <= clock.now()) return { state: 'OPEN', reason: null, until: null }
      return { state: 'FULL', reason: `${submitsPerMinute} submits left in the last minute`, until: freeAt }
    },
    async forecast() {
      const predictable = (hold === null || hold.kind === 'rate-limited') && hasRoom()
      return predictable ? places() : () => null
    },
  }
}
