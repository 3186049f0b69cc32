import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import type { ChangeNotifier } from '../change-notifier.js'
import { pollAt } from '../poll-state.js'
import type { Task } from '../task.js'
import type { GatewayState, Polled, PollQueue, SubmitQueue, TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { createAdaptiveLimit } from './adaptive-limit.js'
import { type CheckResult, createCheckPool } from './check-pool.js'
import { type Answer, decide, UNSUPPORTED } from './decide.js'
import type { PollIntervals, Random } from './poll-schedule.js'
import { hasJustStalled } from './stall.js'
import type { Submitter } from './submitter.js'
import { asUpstreamError, submitRequestOf, type Upstream, UpstreamError } from './upstream.js'

/**
 * The status poller: checks each task that the upstream has when it is due. A check has three parts: ask the upstream,
 * decide what follows (`decide.ts`, pure), and apply it: a step of the task, or when to check again.
 */
export interface StatusPoller {
  /** To be called once at the start, before any submit: a submit that was cut off by a stop has lost its answer. */
  recover(): Promise<void>
  /** Makes the next round check this task, or the first round after its submit was answered: it changed upstream. */
  checkSoon(taskId: string): void
  /** Checks what is due. Returns when to run again, in monotonic milliseconds. */
  round(stopping: AbortSignal): Promise<number | null>
  /** When the upstream last answered a check, in milliseconds since the Unix epoch; null: not since the start. */
  lastCheckedAt(): number | null
}

export interface StatusPollerParts {
  store: PollQueue &
    Pick<SubmitQueue, 'submitting' | 'owns'> &
    Pick<TaskReader, 'getMany'> &
    Pick<GatewayState, 'isShared'>
  upstream: Upstream
  transitions: Transitions
  notifier: Pick<ChangeNotifier, 'refreshed'>
  submitter: Pick<Submitter, 'isUnderWay' | 'checkAnswered'>
  /** Told when an answer ended a pause of the submit queue. */
  onSubmitsResumed(): void
  clock: Clock
  log: Logger
  random: Random
  intervals: PollIntervals
  /** The time limit of a call. */
  timeoutMs: number
  stallAfterMs: number
  /** Cuts off the calls that are under way. */
  cut: AbortSignal
}

/** A check this much after its due time is late. */
const LATE_MS = 500
/** Between two looks at a submit that is still under way. */
const UNDER_WAY_MS = 30_000

export function createStatusPoller(parts: StatusPollerParts): StatusPoller {
  const { store, upstream, transitions, notifier, submitter, clock, log, stallAfterMs, timeoutMs, cut } = parts
  const startedAt = clock.monotonic()
  const limit = createAdaptiveLimit()
  const changed = new Set<string>()
  let lastCheckedAt: number | null = null

  const check = async ({ task, poll }: Polled): Promise<CheckResult> => {
    const askedAt = clock.monotonic()
    if (task.stage === 'submitting' && submitter.isUnderWay(task.id))
      return { task, poll: { ...poll, dueMono: askedAt + UNDER_WAY_MS } }
    reportStall(task, poll, askedAt)
    const answer = await ask(task)
    const now = clock.monotonic()
    measure(answer, askedAt, now, poll.dueMono)
    const decision = decide(task, poll, answer, {
      ...parts,
      askedAt,
      now,
      wallNow: clock.now(),
      upstreamNow: upstream.time?.() ?? null,
      startedAt,
      isOwned: task.stage === 'unknown' && (await isOwned(answer)),
      priceOf: upstream.priceOf,
    })
    if (!('to' in decision)) {
      if (decision.poll.problem !== poll.problem) problemChanged.add(task.id)
      return { task, poll: decision.poll }
    }
    await decision.move(transitions)
    return null
  }

  const ask = async (task: Task): Promise<Answer> => {
    try {
      switch (task.stage) {
        case 'submitted':
        case 'processing':
          return await answered(await upstream.getJob(task.upstreamId, cut))
        case 'unknown':
          return upstream.findJob ? await answered(await upstream.findJob(submitRequestOf(task), cut)) : UNSUPPORTED
        case 'submitting':
        case 'queued':
        case 'success':
        case 'failed':
        case 'canceled':
          return UNSUPPORTED
      }
      return task satisfies never
    } catch (thrown) {
      const error = asUpstreamError(thrown)
      if (error.kind === 'not-found') return answered(error)
      log.warn({ taskId: task.id, kind: error.kind, err: error }, 'status check failed')
      return error
    }
  }

  const answered = async <T>(answer: T): Promise<T> => {
    lastCheckedAt = clock.now()
    if (await submitter.checkAnswered()) parts.onSubmitsResumed()
    return answer
  }

  const measure = (answer: Answer, askedAt: number, now: number, dueMono: number | null) => {
    const isError = answer instanceof UpstreamError
    const isStrain = isError && (answer.kind === 'rate-limited' || now - askedAt >= timeoutMs)
    if (isStrain) limit.strained(askedAt, now)
    else if (!isError) limit.succeeded(askedAt - (dueMono ?? askedAt) > LATE_MS, now - askedAt)
  }

  const isOwned = async (answer: Answer): Promise<boolean> =>
    typeof answer === 'object' && answer !== null && 'upstreamId' in answer && store.owns(answer.upstreamId)

  const reportStall = (task: Task, poll: Polled['poll'], now: number) => {
    if (task.stage !== 'unknown' && task.stage !== 'submitted' && task.stage !== 'processing') return
    if (!hasJustStalled(task, poll, now, stallAfterMs)) return
    const upstreamId = task.stage === 'unknown' ? undefined : task.upstreamId
    log.warn(
      { taskId: task.id, stage: task.stage, upstreamId },
      'task has stalled: the upstream has had it for too long',
    )
    notifier.refreshed(task.id)
  }

  /** Tasks whose problem appeared or went away, until their poll state is saved. */
  const problemChanged = new Set<string>()
  const onSaved = (saved: readonly Polled[]) => {
    for (const { task } of saved) if (problemChanged.delete(task.id)) notifier.refreshed(task.id)
  }

  /** The tasks that changed upstream, but for those whose submit still waits for its answer. */
  const takeEarly = async (isUnderWay: (taskId: string) => boolean): Promise<Polled[]> => {
    if (changed.size === 0) return []
    const tasks = await store.getMany([...changed].filter(id => !isUnderWay(id)))
    const early: Polled[] = []
    for (const id of changed) {
      if (isUnderWay(id)) continue
      const task = tasks.get(id)
      if (task?.stage === 'submitting') continue
      changed.delete(id)
      if (task?.stage === 'submitted' || task?.stage === 'processing')
        early.push({ task, poll: pollAt(clock.monotonic()) })
    }
    return early
  }

  const pool = createCheckPool({ store, clock, timeoutMs, limit: limit.current, check, takeEarly, onSaved })

  return {
    checkSoon(id) {
      changed.add(id)
      pool.wake()
    },

    async recover() {
      // Another gateway may be making the submit. It is taken over when its check is due.
      if (store.isShared) return
      for (const task of await store.submitting()) {
        const poll = pollAt(clock.monotonic() + parts.intervals.firstMs)
        await transitions.move(task, 'unknown', {}, { reason: 'the gateway stopped during the submit', poll })
      }
    },

    round: pool.round,
    lastCheckedAt: () => lastCheckedAt,
  }
}
