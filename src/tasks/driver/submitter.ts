import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { pollAt } from '../poll-state.js'
import type { TaskIn } from '../task.js'
import type { Claim, GatewayState, PauseState, RecentCall, SubmitQueue, TaskReader } from '../task-store.js'
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
  refused(error: UpstreamError): Promise<void>
  /** Reports that the upstream answered a status check or a look-up. Returns whether submits may leave again. */
  checkAnswered(): Promise<boolean>
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
  store: SubmitQueue & TaskReader & Pick<GatewayState, 'isShared'> & Pick<AssetStore, 'recentAssetCalls'>
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
  const { isShared } = store
  const copiesAt = preparer && upstream.createAsset ? upstream.name : null
  const pause = createSubmitPause(parts.random, upstream.findJob !== undefined)
  const underWay = new Set<string>()
  /** Answers whose write failed. They are written before anything else leaves. */
  const unsaved = new Map<string, { task: TaskIn<'submitting'>; outcome: SubmitOutcome }>()

  const hasCapacity = () => upstream.hasCapacity?.() ?? true

  /** @param now a submit that is under way counts as if it ended now, because it may still reach the upstream */
  const slotsAfter = (recent: readonly RecentCall[], from: number, now: number) => {
    if (submitsPerMinute === null) return () => from
    const ended = recent.map(submit => submit.endedMono ?? now).sort((a, b) => a - b)
    return nextSlots(ended, submitsPerMinute, from)
  }

  const slots = async (from: number, now: number) => {
    if (submitsPerMinute === null) return () => from
    const submits = await store.recentSubmits(submitsPerMinute)
    const copies = copiesAt === null ? [] : await store.recentAssetCalls(submitsPerMinute)
    return slotsAfter([...submits, ...copies], from, now)
  }

  /** Another gateway may have begun or ended the pause. */
  const currentPause = async (now: number) => {
    if (isShared) pause.load(await store.pauseState())
    return pause.at(now)
  }

  const changePause = (change: () => void): Promise<PauseState> =>
    store.changePause(state => {
      pause.load(state)
      change()
      return pause.state()
    })

  const claim = async (now: number, exceptCallers: readonly string[]): Promise<Claim> => {
    const tried = new Set<string>()
    const claimed = await transitions
      .claimNext({
        window: submitsPerMinute,
        copiesAt,
        exceptCallers,
        waitUntil(seen) {
          pause.load(seen.pause)
          const paused = pause.at(now)
          if (paused) return paused.until
          if (!hasCapacity()) return Number.POSITIVE_INFINITY
          const freeAt = slotsAfter(seen.recent, now, now)(0)
          return freeAt > now ? freeAt : null
        },
        attempt(queued, copies) {
          const sent = preparer ? preparer.inputsOf(queued, copies) : OWN_LINKS
          if (!sent) return null
          const { reason, ...links } = sent
          tried.add(queued.id)
          underWay.add(queued.id)
          const fields = {
            attemptedAt: clock.now(),
            attemptedMono: clock.monotonic(),
            attemptedUpstreamAt: upstream.time?.() ?? null,
            ...links,
          }
          return { fields, poll: pollAt(fields.attemptedMono + timeoutMs + STUCK_AFTER_MS), reason }
        },
      })
      .catch(thrown => {
        for (const id of tried) underWay.delete(id)
        throw thrown
      })
    for (const id of tried) if (claimed.kind !== 'claimed' || claimed.task.id !== id) underWay.delete(id)
    return claimed
  }

  const submit = async (task: TaskIn<'submitting'>) => {
    try {
      const outcome = await submitTask(task, parts)
      unsaved.set(task.id, { task, outcome })
      if (outcome.kind === 'failed') {
        log.warn({ taskId: task.id, kind: outcome.error.kind, err: outcome.error }, 'submit failed')
        const now = clock.monotonic()
        await changePause(() => pause.submitFailed(outcome.error, now))
      }
      if (outcome.kind === 'accepted' && !isClear(pause.state())) await changePause(pause.submitAnswered)
      await saveUnsaved()
    } finally {
      if (!unsaved.has(task.id)) underWay.delete(task.id)
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
      /** Callers whose files cannot be copied in this round. */
      const skipped = new Set<string>()
      await saveUnsaved()
      while (!stopping.aborted) {
        // The one reading that all of this iteration is compared with: a later one would be later than every slot.
        const now = clock.monotonic()
        await expireQueued(now, parts)
        const oldest = await store.oldestQueued()
        if (!oldest) return null
        const expiresAt = oldest.queuedMono + maxQueueMs
        const claimed = await claim(now, [...skipped, ...(preparer?.heldCallers() ?? [])])
        switch (claimed.kind) {
          case 'claimed':
            await submit(claimed.task)
            break
          case 'unprepared':
            if (!(await preparer?.prepare(claimed.task))) skipped.add(claimed.task.caller)
            break
          case 'waits':
            return Math.min(claimed.until, expiresAt)
          case 'empty':
            return Math.min(preparer?.nextMono() ?? expiresAt, expiresAt)
        }
      }
      return null
    },

    isUnderWay: id => underWay.has(id),

    async refused(error) {
      const now = clock.monotonic()
      await changePause(() => pause.submitFailed(error, now))
    },

    async checkAnswered() {
      const now = clock.monotonic()
      if (!pause.checkAnswered(now)) return false
      let hasEnded = true
      try {
        // Of several gateways only this one may have known the pause; the row decides.
        await changePause(() => {
          if (pause.at(now)) hasEnded = pause.checkAnswered(now)
        })
      } catch (thrown) {
        log.error({ err: thrown }, 'the end of the pause of the submit queue could not be written')
        return false
      }
      return hasEnded
    },

    async status() {
      const now = clock.monotonic()
      const paused = await currentPause(now)
      if (paused)
        return { state: 'PAUSED', reason: paused.reason, kind: paused.kind, until: toWall(paused.until) } as const
      if (!hasCapacity())
        return { state: 'AT_LIMIT', reason: 'the upstream has no capacity left', kind: null, until: null } as const
      const freeAt = (await slots(now, now))(0)
      if (freeAt <= now) return { state: 'OPEN', reason: null, kind: null, until: null } as const
      const reason = `the limit of ${submitsPerMinute} submits per minute is reached`
      return { state: 'AT_LIMIT', reason, kind: null, until: toWall(freeAt) } as const
    },

    async forecast() {
      const now = clock.monotonic()
      const paused = await currentPause(now)
      if ((paused && paused.kind !== 'rate-limited') || !hasCapacity()) return () => null
      const slotAt = await slots(Math.max(now, paused?.until ?? now), now)
      return slot => toWall(slotAt(slot))
    },
  }
}

function isClear({ pause, failures, lostAnswers }: PauseState): boolean {
  return pause === null && failures === 0 && lostAnswers === 0
}
