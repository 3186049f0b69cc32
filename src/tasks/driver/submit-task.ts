import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { pollAt } from '../poll-state.js'
import type { TaskIn } from '../task.js'
import type { SubmitQueue, TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { NO_LOOKUP, OWNED } from './decide.js'
import { asUpstreamError, submitRequestOf, type Upstream, UpstreamError } from './upstream.js'

export interface SubmitParts {
  store: Pick<SubmitQueue, 'owns'> & Pick<TaskReader, 'get'>
  upstream: Upstream
  transitions: Transitions
  clock: Clock
  log: Logger
  firstCheckMs: number
  /** The time limit of a call. */
  timeoutMs: number
  cut: AbortSignal
}

export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly upstreamId: string; readonly reason?: string }
  | { readonly kind: 'failed'; readonly error: UpstreamError }
  /** Nothing was sent, and whether the upstream already has the job cannot be found out. */
  | { readonly kind: 'undecidable'; readonly problem: string }

const COPIES_UNKNOWN = 'the database was restored, and with which copies of its files it was submitted is not known'

/**
 * How long after the attempt was written, by a monotonic clock, the call may leave. Later, the time of the attempt would be
 * wrong, and another gateway on the database may have taken the task over while this process stood still.
 */
const LONGEST_WRITE_MS = 5_000

/** Submits a task that was just written as `submitting`. Never rejects. */
export async function submitTask(task: TaskIn<'submitting'>, parts: SubmitParts): Promise<SubmitOutcome> {
  const { upstream, clock, timeoutMs, cut } = parts
  const isLate = (limitMs: number) => clock.monotonic() - task.attemptedMono > limitMs
  if (isLate(LONGEST_WRITE_MS)) return failed('not-accepted', 'not sent: the write before it took too long')
  const earlier = task.lookupFirst ? await lookUp(task, parts) : null
  if (earlier) return earlier
  if (isLate(LONGEST_WRITE_MS + timeoutMs))
    return failed('not-accepted', 'not sent: the look-up before it took too long')
  try {
    return { kind: 'accepted', upstreamId: await upstream.submit(submitRequestOf(task), cut) }
  } catch (thrown) {
    return { kind: 'failed', error: asUpstreamError(thrown) }
  }
}

/**
 * Looks for a job that was made for this task after the backup from which the database was restored. Null when there is
 * none, so that the task has to be submitted.
 */
async function lookUp(task: TaskIn<'submitting'>, parts: SubmitParts): Promise<SubmitOutcome | null> {
  const { upstream, store, cut } = parts
  if (!upstream.findJob || task.sentVideoUrl !== null || task.sentAudioUrl !== null)
    // Before the restore it may have been submitted with other copies of its files.
    return { kind: 'undecidable', problem: upstream.findJob ? COPIES_UNKNOWN : NO_LOOKUP }
  try {
    const job = await upstream.findJob(submitRequestOf(task), cut)
    if (!job) return null
    if (await store.owns(job.upstreamId)) return { kind: 'undecidable', problem: OWNED }
    return { kind: 'accepted', upstreamId: job.upstreamId, reason: 'found upstream by its inputs' }
  } catch (thrown) {
    const error = asUpstreamError(thrown)
    switch (error.kind) {
      case 'not-found':
        return null
      case 'unsupported':
        return { kind: 'undecidable', problem: error.message }
      case 'rate-limited':
      case 'account':
      case 'not-accepted':
        return { kind: 'failed', error }
      case 'rejected':
      case 'unclear':
        // A look-up costs nothing: whatever became of it, no job was accepted.
        return { kind: 'failed', error: new UpstreamError('not-accepted', error.message, { cause: error }) }
    }
    return error.kind satisfies never
  }
}

/** Writes the outcome of a submit. */
export async function saveOutcome(task: TaskIn<'submitting'>, outcome: SubmitOutcome, parts: SubmitParts) {
  switch (outcome.kind) {
    case 'accepted':
      return adopt(task, outcome.upstreamId, outcome.reason, parts)
    case 'failed':
      return refuse(task, outcome.error, parts)
    case 'undecidable': {
      const poll = { ...pollAt(parts.clock.monotonic() + parts.firstCheckMs), problem: outcome.problem }
      await parts.transitions.move(task, 'unknown', {}, { reason: outcome.problem, poll })
      return
    }
  }
  outcome satisfies never
}

/** Gives the task the job that was accepted for it, whatever became of the task since: the job is paid for. */
async function adopt(
  task: TaskIn<'submitting'>,
  upstreamId: string,
  reason: string | undefined,
  { store, transitions, clock, log, firstCheckMs }: SubmitParts,
) {
  const submittedMono = clock.monotonic()
  const fields = { upstreamId, submittedAt: clock.now(), submittedMono }
  const why = { ...(reason !== undefined && { reason }), poll: pollAt(submittedMono + firstCheckMs) }
  // Should the next write fail for good, this line is what is left of the answer.
  log.info({ taskId: task.id, upstreamId }, 'submit accepted')
  if (await transitions.move(task, 'submitted', fields, why)) return
  for (let current = await store.get(task.id); current; current = await store.get(task.id)) {
    switch (current.stage) {
      case 'submitting':
      case 'unknown':
        if (await transitions.move(current, 'submitted', fields, why)) return
        continue
      case 'queued': {
        // It was taken for never accepted. It goes through `submitting` again, without a second call.
        const { attemptedAt, attemptedMono, attemptedUpstreamAt, sentVideoUrl, sentAudioUrl } = task
        const attempt = { attemptedAt, attemptedMono, attemptedUpstreamAt, sentVideoUrl, sentAudioUrl }
        await transitions.move(current, 'submitting', attempt, { reason: 'the answer to its submit came late', ...why })
        continue
      }
      case 'submitted':
      case 'processing':
      case 'success':
        if (current.upstreamId !== upstreamId)
          log.error({ taskId: task.id, upstreamId, otherId: current.upstreamId }, 'the task has two jobs upstream')
        return
      case 'failed':
      case 'canceled':
        log.error({ taskId: task.id, upstreamId, stage: current.stage }, 'a job was accepted for a task that had ended')
        return
    }
    current satisfies never
  }
}

async function refuse(
  task: TaskIn<'submitting'>,
  error: UpstreamError,
  { transitions, clock, firstCheckMs }: SubmitParts,
) {
  const reason = error.message
  switch (error.kind) {
    case 'rejected': {
      const failure = { code: 'UPSTREAM_REJECTED', message: reason } as const
      await transitions.move(task, 'failed', { completedAt: clock.now(), failure }, { reason })
      return
    }
    case 'rate-limited':
    case 'account':
    case 'not-accepted':
      await transitions.move(task, 'queued', {}, { reason })
      return
    case 'not-found':
    case 'unsupported':
    case 'unclear':
      await transitions.move(task, 'unknown', {}, { reason, poll: pollAt(clock.monotonic() + firstCheckMs) })
      return
  }
  error.kind satisfies never
}

function failed(kind: UpstreamError['kind'], message: string): SubmitOutcome {
  return { kind: 'failed', error: new UpstreamError(kind, message) }
}
