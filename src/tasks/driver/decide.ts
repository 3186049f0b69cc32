import { NOT_POLLED, type PollState, pollAt } from '../poll-state.js'
import type { FieldsTo, PreviousStage, Stage, Task, TaskIn } from '../task.js'
import type { Transitions } from '../transitions.js'
import { afterAbsence, afterCheck, afterError, type PollIntervals, type Random } from './poll-schedule.js'
import { capDue, type Sent, stallsAt } from './stall.js'
import { cutUrlQueries, UpstreamError, type UpstreamJob } from './upstream.js'

/**
 * What follows from a status check. Pure: it asks nothing and writes nothing.
 *
 * An upstream that is out of order is never the task's failure: the task only waits longer. A task whose submit lost its
 * answer (`unknown`) is resolved by looking up its inputs:
 *
 * - A job that no other task stands for and that is not older than the attempt is this task's.
 * - Absent is what two look-ups some seconds apart do not find, both made when the submit can no longer be under way.
 *   Then the task returns to the queue.
 * - A job counts as older only by the upstream's own clock. One that merely seems older is left to a person, because
 *   clocks jump and a second submit costs money.
 * - Anything else leaves the task as it is.
 */
export function decide(task: Task, poll: PollState, answer: Answer, context: DecisionContext): Decision {
  switch (task.stage) {
    case 'submitting':
      return step(task, 'unknown', {}, 'the answer to the submit got lost inside the gateway', pollAt(context.now))
    case 'unknown':
      return cap(task, decideLost(task, poll, answer, context), context)
    case 'submitted':
    case 'processing':
      return cap(task, decideJob(task, poll, answer, context), context)
    case 'queued':
    case 'success':
    case 'failed':
    case 'canceled':
      return { poll: NOT_POLLED }
  }
  task satisfies never
}

/** The answer to a check: the job, null (no such job) or an error. `UNSUPPORTED`: the upstream has no look-up. */
export type Answer = UpstreamJob | null | UpstreamError | typeof UNSUPPORTED
export const UNSUPPORTED = 'unsupported'

/** Times are monotonic milliseconds where nothing else is said. */
export interface DecisionContext {
  /** When the question was asked. */
  readonly askedAt: number
  /** When the answer came. */
  readonly now: number
  /** The same moment as wall time, for display. */
  readonly wallNow: number
  /** The same moment by the upstream's own clock, in milliseconds since the Unix epoch; null while unknown. */
  readonly upstreamNow: number | null
  /** When this process started. */
  readonly startedAt: number
  /** Whether another task stands for the job that was found. */
  readonly isOwned: boolean
  /** The time limit of a call. */
  readonly timeoutMs: number
  readonly stallAfterMs: number
  readonly intervals: PollIntervals
  readonly random: Random
  priceOf(durationMs: number): number
}

/** A step of the task's life, or only when to check it next. */
export type Decision = Step | { readonly poll: PollState }

export interface Step {
  readonly to: Stage
  readonly fields: object
  readonly reason: string | null
  readonly poll: PollState
  /** Carries the step out, unless the task has moved since. */
  move(transitions: Transitions): Promise<unknown>
}

/** Consecutive look-ups that must find nothing before a lost submit counts as never accepted. */
const ABSENT_AFTER = 2
/**
 * How long after a submit's time limit the upstream may still accept it: a request that was given up, or whose sender
 * was killed, goes on through queues and proxies and a slow server.
 */
const LATE_MS = 20_000
/** Consecutive checks, over about 7 minutes, that must find nothing before an accepted job counts as lost. */
const LOST_AFTER = 10
/** How much older than the attempt a job may seem and still be this task's: servers differ, and JoggAI has whole seconds. */
const CLOCK_TOLERANCE_MS = 60_000
/** Between two checks of a stalled task. */
const STALLED_MS = 60_000

export const NO_LOOKUP =
  'The answer to the submit was lost, and the upstream has no look-up by inputs: a person has to resolve the task.'
export const OWNED =
  'The latest job of the upstream with these inputs belongs to another task: a person has to resolve this one.'
const SEEMS_OLDER =
  'The upstream has a job with the same inputs that seems older than the submit, and no clock to tell for certain: a person has to resolve the task.'

function decideLost(task: TaskIn<'unknown'>, poll: PollState, answer: Answer, context: DecisionContext): Decision {
  const { now, random, isOwned } = context
  if (answer === UNSUPPORTED) return { poll: { ...poll, dueMono: null, problem: NO_LOOKUP } }
  if (answer instanceof UpstreamError && answer.kind !== 'not-found') {
    const next = afterError(poll, answer, now, random)
    return { poll: answer.kind === 'unsupported' ? { ...next, problem: answer.message } : next }
  }
  if (answer && task.lookupFirst && isOwned) return { poll: { ...nextPoll(task, poll, context), problem: OWNED } }
  if (answer && !(answer instanceof UpstreamError) && !isOwned) {
    const age = ageOf(task, answer, context)
    if (age === 'ours')
      return step(task, 'submitted', acceptedFields(answer, context), 'found upstream by its inputs', pollAt(now))
    if (age === 'unsure') return { poll: { ...nextPoll(task, poll, context), problem: SEEMS_OLDER } }
    // An older job says nothing about this submit: as good as absent.
    age satisfies 'older'
  }
  // A task of a restored database is looked up before it is submitted, which may take as long as another call.
  const callsMs = (task.lookupFirst ? 2 : 1) * context.timeoutMs
  const arrivesUntil = Math.max(task.attemptedMono, context.startedAt) + callsMs + LATE_MS
  if (context.askedAt < arrivesUntil) {
    const next = nextPoll(task, poll, context)
    return { poll: { ...next, dueMono: Math.min(next.dueMono ?? arrivesUntil, arrivesUntil) } }
  }
  if (poll.absences + 1 < ABSENT_AFTER) return { poll: afterAbsence(poll, now, random) }
  return step(task, 'queued', {}, 'certainly not accepted: the upstream has no job with its inputs', NOT_POLLED)
}

/** Whether a job with the task's inputs came from its submit. */
function ageOf(task: TaskIn<'unknown'>, job: UpstreamJob, context: DecisionContext): 'ours' | 'older' | 'unsure' {
  // A task of a restored database may have been submitted before this attempt.
  if (job.createdAt === null || task.lookupFirst) return 'ours'
  const attempted = attemptByUpstreamClock(task, context)
  if (job.createdAt >= (attempted ?? task.attemptedAt) - CLOCK_TOLERANCE_MS) return 'ours'
  return attempted === null ? 'unsure' : 'older'
}

/** When the submit left, by the clock that stamps the jobs; null when that cannot be known. */
function attemptByUpstreamClock(task: TaskIn<'unknown'>, { now, upstreamNow, startedAt }: DecisionContext) {
  if (task.attemptedUpstreamAt !== null) return task.attemptedUpstreamAt
  // Over a reboot the monotonic time stands still, so it measures no attempt of an earlier process.
  if (upstreamNow === null || task.attemptedMono < startedAt) return null
  return upstreamNow - (now - task.attemptedMono)
}

function acceptedFields({ upstreamId, createdAt }: UpstreamJob, { now, wallNow, upstreamNow }: DecisionContext) {
  const ageMs = createdAt === null || upstreamNow === null ? 0 : Math.max(upstreamNow - createdAt, 0)
  return { upstreamId, submittedAt: wallNow - ageMs, submittedMono: now }
}

function decideJob(
  task: TaskIn<'submitted' | 'processing'>,
  poll: PollState,
  answer: Answer,
  context: DecisionContext,
): Decision {
  const { now, wallNow, random } = context
  if (answer === UNSUPPORTED) return { poll: nextPoll(task, poll, context) }
  if (answer instanceof UpstreamError && answer.kind !== 'not-found')
    return { poll: afterError(poll, answer, now, random) }
  if (answer === null || answer instanceof UpstreamError) {
    if (poll.absences + 1 < LOST_AFTER) return { poll: afterAbsence(poll, now, random) }
    const failure = { code: 'UPSTREAM_LOST_TASK', message: 'The upstream no longer knows this job.' } as const
    return step(task, 'failed', { completedAt: wallNow, failure }, answer?.message ?? failure.message, NOT_POLLED)
  }
  switch (answer.status) {
    case 'pending':
      return { poll: nextPoll(task, poll, context) }
    case 'processing': {
      const next = capDue(task, nextPoll(task, poll, context), now, context.stallAfterMs)
      if (task.stage === 'processing') return { poll: next }
      return step(task, 'processing', { startedAt: wallNow }, null, next)
    }
    case 'success': {
      const { result, completedAt } = answer
      const costCents = result.durationMs === null ? task.reservedCents : context.priceOf(result.durationMs)
      return step(task, 'success', { completedAt: completedAt ?? wallNow, result, costCents }, null, NOT_POLLED)
    }
    case 'failed': {
      const failure = { code: 'UPSTREAM_FAILED', message: cutUrlQueries(answer.message) } as const
      return step(task, 'failed', { completedAt: answer.completedAt ?? wallNow, failure }, null, NOT_POLLED)
    }
  }
  answer satisfies never
}

function nextPoll(task: Sent, poll: PollState, { now, intervals, random, stallAfterMs }: DecisionContext): PollState {
  const hasStalled = now >= stallsAt(task, stallAfterMs)
  return afterCheck(poll, hasStalled ? { ...intervals, minMs: STALLED_MS, maxMs: STALLED_MS } : intervals, now, random)
}

/** Caps every due time that is written for a task that the upstream has. */
function cap(task: Sent, decision: Decision, { now, stallAfterMs }: DecisionContext): Decision {
  if ('to' in decision) return decision
  return { poll: capDue(task, decision.poll, now, stallAfterMs) }
}

function step<N extends Stage, S extends PreviousStage<N>>(
  task: TaskIn<S>,
  to: N,
  fields: FieldsTo<S, N>,
  reason: string | null,
  poll: PollState,
): Step {
  return {
    to,
    fields,
    reason,
    poll,
    move: transitions => transitions.move(task, to, fields, { ...(reason !== null && { reason }), poll }),
  }
}
