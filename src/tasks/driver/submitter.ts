import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { pollAt } from '../poll-state.js'
import type { TaskIn } from '../task.js'
import type { SubmitQueue, TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import type { AssetStore } from '../upload-store.js'
import { expireQueued } from './expire-queued.js'
import type { InputPreparer, SentInputs } from './input-preparer.js'
import type { Random } from './poll-schedule.js'
import { nextSlots } from './sliding-window.js'
import { createSubmitPause } from './submit-pause.js'
import { type SubmitOutcome, saveOutcome, submitTask } from './submit-task.js'
import type { Upstream, UpstreamError, UpstreamErrorKind } from './upstream.js'

/**
 * The submitter: the one place from which paid calls leave, one at a time. Callers take turns, and each caller's tasks
 * leave in the order of their creation.
 *
 * In any 60 s no more leave than the upstream takes. They are counted in the log by when they ended, so that a restart
 * forgets none and a slow network cannot bring the calls of two windows together at the upstream. A task that waited too
 * long is not submitted any more, because nobody expects its bill.
 *
 * Before a call leaves, the task is written as `submitting`; after it, as what the answer says (`submit-task.ts`). A
 * refusal that certainly cost nothing returns the task to its place in the queue and pauses the queue (`submit-pause.ts`).
 *
 * A round costs the same however many tasks are queued: it asks for the window before it asks for a task.
 */
export interface Submitter {
  /** Submits what may leave now. Returns when to run again, in monotonic milliseconds. */
  round(stopping: AbortSignal): Promise<number | null>
  /** Whether this process is submitting the task, or has an answer that is not written yet. */
  isUnderWay(taskId: string): boolean
  /** A call that counts like a submit was refused, so that no submit may leave for a while. */
  refused(error: UpstreamError): void
  /** Reports that the upstream answered a status check or a look-up. Returns whether submits may leave again. */
  checkAnswered(): boolean
  status(): Promise<SubmitQueueStatus>
  /** Returns when the submit after so many others may leave, as wall time; null when that cannot be estimated. */
  forecast(): Promise<(slot: number) => number | null>
}

/** Times are milliseconds since the Unix epoch. */
export type SubmitQueueStatus =
  | { readonly state: 'OPEN'; readonly reason: null; readonly kind: null; readonly until: null }
  /** The rate limit or the upstream's capacity is used up. `until` is null when only the end of a job makes room. */
  | { readonly state: 'AT_LIMIT'; readonly reason: string; readonly kind: null; readonly until: number | null }
  /** A submit was refused or failed. The next one is made at `until` at the latest. */
  | { readonly state: 'PAUSED'; readonly reason: string; readonly kind: UpstreamErrorKind; readonly until: number }

export const SUBMIT_QUEUE_STATES = [
  'OPEN',
  'AT_LIMIT',
  'PAUSED',
] as const satisfies readonly SubmitQueueStatus['state'][]

export interface SubmitterParts {
  store: SubmitQueue & TaskReader & Pick<AssetStore, 'recentAssetCalls'>
  upstream: Upstream
  transitions: Transitions
  clock: Clock
  log: Logger
  random: Random
  /** Delay between a submit and its first status check. */
  firstCheckMs: number
  /** The time limit of a call. */
  timeoutMs: number
  /** How many submits may leave in any 60 s; null: no limit. */
  submitsPerMinute: number | null
  /** How long a task may be queued. */
  maxQueueMs: number
  /** Absent: no task has uploaded files. */
  preparer?: InputPreparer
  /** Cuts off the calls that are under way. */
  cut: AbortSignal
}

/** A task that is still `submitting` this long after the call's time limit has lost its answer inside the gateway. */
const STUCK_AFTER_MS = 30_000

const OWN_LINKS: SentInputs = { sentVideoUrl: null, sentAudioUrl: null, reason: null }

export function createSubmitter(parts: SubmitterParts): Submitter {
  const { store, upstream, transitions, clock, log, timeoutMs, submitsPerMinute, maxQueueMs, preparer } = parts
  const pause = createSubmitPause(parts.random, upstream.findJob !== undefined)
  const underWay = new Set<string>()
  /** Answers whose write failed. They are written before anything else leaves. */
  const unsaved = new Map<string, { task: TaskIn<'submitting'>; outcome: SubmitOutcome }>()

  const hasCapacity = () => upstream.hasCapacity?.() ?? true

  const slots = async (from: number) => {
    if (submitsPerMinute === null) return () => from
    const submits = await store.recentSubmits(submitsPerMinute)
    const copies = preparer ? await store.recentAssetCalls(submitsPerMinute) : []
    const ended = [...submits, ...copies]
      .map(call => call.endedMono)
      .sort((a, b) => a - b)
      .slice(-submitsPerMinute)
    return nextSlots(ended, submitsPerMinute, from)
  }

  const submit = async (queued: TaskIn<'queued'>, { reason, ...sent }: SentInputs) => {
    const attempt = {
      attemptedAt: clock.now(),
      attemptedMono: clock.monotonic(),
      attemptedUpstreamAt: upstream.time?.() ?? null,
      ...sent,
    }
    underWay.add(queued.id)
    try {
      const poll = pollAt(attempt.attemptedMono + timeoutMs + STUCK_AFTER_MS)
      const task = await transitions.move(queued, 'submitting', attempt, { poll, ...(reason !== null && { reason }) })
      if (!task) return
      const outcome = await submitTask(task, parts)
      if (outcome.kind === 'failed') {
        log.warn({ taskId: task.id, kind: outcome.error.kind, err: outcome.error }, 'submit failed')
        pause.submitFailed(outcome.error, clock.monotonic())
      }
      if (outcome.kind === 'accepted') pause.submitAnswered()
      unsaved.set(task.id, { task, outcome })
      await saveUnsaved()
    } finally {
      if (!unsaved.has(queued.id)) underWay.delete(queued.id)
    }
  }

  const saveUnsaved = async () => {
    for (const [id, { task, outcome }] of unsaved) {
      await saveOutcome(task, outcome, parts)
      unsaved.delete(id)
      underWay.delete(id)
    }
  }

  const toWall = (mono: number) => clock.now() + Math.max(mono - clock.monotonic(), 0)

  return {
    async round(stopping) {
      await saveUnsaved()
      /** Callers whose files cannot be copied in this round. */
      const skipped = new Set<string>()
      while (!stopping.aborted) {
        // The one reading that all of this iteration is compared with: a later one would be later than every slot.
        const now = clock.monotonic()
        await expireQueued(now, parts)
        const oldest = await store.oldestQueued()
        if (!oldest) return null
        const expiresAt = oldest.queuedMono + maxQueueMs
        const paused = pause.at(now)
        if (paused) return Math.min(paused.until, expiresAt)
        if (!hasCapacity()) return expiresAt
        const freeAt = (await slots(now))(0)
        if (freeAt > now) return Math.min(freeAt, expiresAt)
        const task = await store.nextToSubmit([...skipped, ...(preparer?.heldCallers() ?? [])])
        if (!task) return Math.min(preparer?.nextMono() ?? expiresAt, expiresAt)
        const sent = preparer ? await preparer.inputsOf(task) : OWN_LINKS
        if (sent) await submit(task, sent)
        else if (!(await preparer?.prepare(task))) skipped.add(task.caller)
      }
      return null
    },

    isUnderWay: id => underWay.has(id),

    refused: error => pause.submitFailed(error, clock.monotonic()),

    checkAnswered: () => pause.checkAnswered(clock.monotonic()),

    async status() {
      const now = clock.monotonic()
      const paused = pause.at(now)
      if (paused)
        return { state: 'PAUSED', reason: paused.reason, kind: paused.kind, until: toWall(paused.until) } as const
      if (!hasCapacity())
        return { state: 'AT_LIMIT', reason: 'the upstream has no capacity left', kind: null, until: null } as const
      const freeAt = (await slots(now))(0)
      if (freeAt <= now) return { state: 'OPEN', reason: null, kind: null, until: null } as const
      const reason = `the limit of ${submitsPerMinute} submits per minute is reached`
      return { state: 'AT_LIMIT', reason, kind: null, until: toWall(freeAt) } as const
    },

    async forecast() {
      const now = clock.monotonic()
      const paused = pause.at(now)
      if ((paused && paused.kind !== 'rate-limited') || !hasCapacity()) return () => null
      const slotAt = await slots(Math.max(now, paused?.until ?? now))
      return slot => toWall(slotAt(slot))
    },
  }
}
