import pMap from 'p-map'
import { type PollState, pollAt } from '../poll-state.js'
import { centsFor } from '../pricing.js'
import type { Task, TaskIn } from '../task.js'
import type { DriverParts } from './driver-parts.js'
import { afterAbsence, afterCheck, afterError } from './poll-schedule.js'
import type { StallDetection } from './stall-detection.js'
import { asUpstreamError, submitRequestOf, UpstreamError, type UpstreamJob } from './upstream.js'

/**
 * The looks: asks the upstream about every task that is due, a few at a time.
 *
 * An upstream that is out of order is never the task's failure: the task only waits longer. A submit without an answer
 * is settled here by the look-up of its inputs: found, the job is ours unless another task has it or it is older than
 * our attempt; surely absent, the task goes back to the queue; anything else leaves it as it is. Surely absent is what
 * is not there in two looks some seconds apart, both made when the submit can no longer be under way.
 */
export interface StatusPoller {
  /** Once at the start, before any submit: a submit that a stop cut off has lost its answer. */
  recover(): Promise<void>
  /** Looks at this task in the next round, or in the first after its submit was answered: it has changed upstream. */
  checkSoon(taskId: string): void
  /** Looks at what is due now. Answers when to come back. */
  round(stopping: AbortSignal): Promise<number | null>
  /** When the upstream last answered a look, in milliseconds since the Unix epoch. */
  lastCheckedAt(): number | null
}

export interface StatusPollerParts extends DriverParts {
  stall: StallDetection
  /** How many looks run at a time. */
  concurrency: number
}

const BATCH = 200
/** Between two looks at a stalled task. */
const STALLED_MS = 60_000
/** Looks in a row that must find nothing before a lost submit counts as never accepted. */
const ABSENT_AFTER = 2
/**
 * How long after a submit's time limit the upstream may still take it: a request that was given up, or whose sender was
 * killed, goes on through queues and proxies and a slow server. What is absent until then may still come.
 */
const LATE_MS = 20_000
/** Looks in a row, over about 7 minutes, that must find nothing before an accepted job counts as lost. */
const LOST_AFTER = 10
/** How much older than our attempt a job may seem and still be ours: clocks differ, and JoggAI tells whole seconds. */
const CLOCK_TOLERANCE_MS = 60_000

export const createStatusPoller = (parts: StatusPollerParts): StatusPoller => {
  const { store, upstream, transitions, clock, log, random, pace, concurrency, cut, timeoutMs, stall } = parts
  let lastCheckedAt: number | null = null
  const changed = new Set<string>()

  const save = (task: Task, poll: PollState) => store.savePollStates([{ task, poll }])

  const look = async (task: Task, watch: PollState): Promise<void> => {
    switch (task.stage) {
      case 'submitting': {
        const why = { reason: 'the answer to the submit got lost inside the gateway', poll: pollAt(clock.monotonic()) }
        await transitions.move(task, 'unknown', {}, why)
        return
      }
      case 'unknown':
        return settle(task, watch)
      case 'submitted':
      case 'processing':
        return follow(task, watch)
      default:
        // Nothing to look at: it only must not come up again.
        await save(task, { ...watch, dueMono: null })
    }
  }

  const ask = async <T>(task: Task, question: Promise<T>): Promise<T | UpstreamError> => {
    const answer = await question.catch(asUpstreamError)
    if (answer instanceof UpstreamError && answer.kind !== 'not-found')
      log.warn({ taskId: task.id, kind: answer.kind, err: answer }, 'look failed')
    else lastCheckedAt = clock.now()
    return answer
  }

  const follow = async (task: TaskIn<'submitted' | 'processing'>, watch: PollState) => {
    stall.note(task, watch, clock.monotonic())
    const seen = await ask(task, upstream.getJob(task.upstreamId, cut))
    if (!(seen instanceof UpstreamError)) return tell(task, watch, seen)
    const now = clock.monotonic()
    if (seen.kind !== 'not-found')
      return save(task, stall.notAfter(task, afterError(watch, now, random, seen.retryAfterMs), now))
    if (watch.absences + 1 < LOST_AFTER) return save(task, stall.notAfter(task, afterAbsence(watch, now, random), now))
    const failure = { code: 'UPSTREAM_LOST_TASK', message: 'The upstream does not know this job any more.' } as const
    await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason: seen.message })
  }

  const tell = async (task: TaskIn<'submitted' | 'processing'>, watch: PollState, seen: UpstreamJob) => {
    const now = clock.monotonic()
    switch (seen.status) {
      case 'pending':
        return save(task, next(task, watch, now))
      case 'processing':
        if (task.stage === 'processing') return save(task, next(task, watch, now))
        await transitions.move(task, 'processing', { startedAt: clock.now() }, { poll: next(task, watch, now) })
        return
      case 'success':
        await transitions.move(task, 'success', {
          completedAt: seen.completedAt ?? clock.now(),
          result: seen.result,
          costCents: seen.result.durationMs === null ? task.reservedCents : centsFor(seen.result.durationMs),
        })
        return
      case 'failed': {
        const failure = { code: 'UPSTREAM_FAILED', message: seen.message } as const
        await transitions.move(task, 'failed', { completedAt: seen.completedAt ?? clock.now(), failure })
      }
    }
  }

  /** Slowly once it has stalled. */
  const next = (task: TaskIn<'submitted' | 'processing'>, watch: PollState, now: number): PollState => {
    const slow = { ...pace, minMs: STALLED_MS, maxMs: STALLED_MS }
    return stall.notAfter(task, afterCheck(watch, now < stall.at(task) ? pace : slow, now, random), now)
  }

  const settle = async (task: TaskIn<'unknown'>, watch: PollState) => {
    const askedAt = clock.monotonic()
    const seen = await ask(task, upstream.findJob(submitRequestOf(task), cut))
    const now = clock.monotonic()
    if (seen instanceof UpstreamError) return save(task, afterError(watch, now, random, seen.retryAfterMs))
    if (seen && (await isOurs(task, seen))) {
      const fields = { upstreamId: seen.upstreamId, submittedAt: seen.createdAt ?? clock.now(), submittedMono: now }
      await transitions.move(task, 'submitted', fields, { reason: 'found upstream by its inputs', poll: pollAt(now) })
      return
    }
    const arrivesUntil = task.attemptedMono + timeoutMs + LATE_MS
    if (askedAt < arrivesUntil) {
      const soon = afterCheck(watch, pace, now, random)
      return save(task, { ...soon, dueMono: Math.min(soon.dueMono ?? arrivesUntil, arrivesUntil) })
    }
    if (watch.absences + 1 < ABSENT_AFTER) return save(task, afterAbsence(watch, now, random))
    await transitions.move(
      task,
      'queued',
      {},
      { reason: 'surely not accepted: the upstream has no job with its inputs' },
    )
  }

  const isOurs = async (task: TaskIn<'unknown'>, seen: UpstreamJob) => {
    if (await store.owns(seen.upstreamId)) return false
    return seen.createdAt === null || seen.createdAt >= task.attemptedAt - CLOCK_TOLERANCE_MS
  }

  /** The tasks of which the upstream has told that they changed, but those whose submit still waits for its answer. */
  const takeChanged = async (): Promise<Task[]> => {
    const taken: Task[] = []
    for (const id of changed) {
      const task = await store.get(id)
      if (task?.stage === 'submitting') continue
      changed.delete(id)
      if (task?.stage === 'submitted' || task?.stage === 'processing') taken.push(task)
    }
    return taken
  }

  return {
    checkSoon: id => void changed.add(id),

    async recover() {
      for (const task of await store.submitting()) {
        const why = { reason: 'the gateway stopped during the submit', poll: pollAt(clock.monotonic() + pace.firstMs) }
        await transitions.move(task, 'unknown', {}, why)
      }
    },

    async round(stopping) {
      const now = clock.monotonic()
      const due = await store.due(now, BATCH)
      const early = (await takeChanged())
        .filter(({ id }) => due.every(({ task }) => task.id !== id))
        .map(task => ({ task, poll: pollAt(now) }))
      await pMap([...due, ...early], async ({ task, poll }) => stopping.aborted || look(task, poll), {
        concurrency,
        // One task's trouble must not keep the others from being looked at; all of it is thrown in the end.
        stopOnError: false,
      })
      return store.nextDueMono()
    },
    lastCheckedAt: () => lastCheckedAt,
  }
}
