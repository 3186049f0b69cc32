import { asError } from '../../errors.js'
import type { Inputs, Result, Task } from '../task.js'

/** What the upstream is asked to make. */
export interface SubmitRequest extends Inputs {
  /** The gateway's id of the task, for an upstream that can tell two jobs with the same inputs apart. */
  readonly taskId: string
}

export const submitRequestOf = ({ id, videoUrl, audioUrl, playbackType }: Task): SubmitRequest => ({
  taskId: id,
  videoUrl,
  audioUrl,
  playbackType,
})

/**
 * A job as the upstream tells it. Times are milliseconds since the Unix epoch: `createdAt` by the gateway's clock, as far
 * as the upstream tells how its own stands; `completedAt` by the upstream's.
 */
export type UpstreamJob = { readonly upstreamId: string; readonly createdAt: number | null } & (
  | { readonly status: 'pending' | 'processing' }
  | { readonly status: 'success'; readonly completedAt: number | null; readonly result: Result }
  | { readonly status: 'failed'; readonly completedAt: number | null; readonly message: string }
)

/** Who makes the lip sync: JoggAI, or the built-in engine. Every method rejects with an `UpstreamError`. */
export interface Upstream extends AsyncDisposable {
  readonly name: string
  /** Whether a job that is handed over now would be worked on. Else it waits in the queue, where callers take turns. */
  hasCapacity?(): boolean
  /** Hands a job over: the paid call. Answers the upstream's id of it. */
  submit(job: SubmitRequest, signal: AbortSignal): Promise<string>
  /** How a job stands. */
  getJob(upstreamId: string, signal: AbortSignal): Promise<UpstreamJob>
  /** The latest job made from the same inputs, or null when there surely is none: settles a submit without answer. */
  findJob(job: SubmitRequest, signal: AbortSignal): Promise<UpstreamJob | null>

  /** How much of a job is made, 0 to 1; null when it is not being made. For an upstream that knows without being asked. */
  progress?(upstreamId: string): number | null
  /**
   * Tells of changes by itself, from now on and to one listener: a task's job has begun or ended (`status`), or has more
   * progress, which is told at most once a second of a job. A hint, as any other: looks find out without it, later.
   */
  onChange?(tell: (taskId: string, what: 'status' | 'progress') => void): void
}

/**
 * What a failed call means, as the upstream's client classifies it. What to do about it is decided in `lane.ts` for submits and in `round.ts` for looks.
 *
 * - `rejected`: this job is at fault; it was not accepted and never will be.
 * - `not-accepted`: surely not accepted, through no fault of the job (nothing was sent).
 * - `rate-limited`: surely not accepted, too many calls; `retryAfterMs` when the upstream said it.
 * - `account`: surely not accepted, the account is at fault (key, credit, permission).
 * - `not-found`: there is no such job.
 * - `unclear`: sent, and the answer is lost or makes no sense.
 */
export type UpstreamErrorKind = 'rejected' | 'not-accepted' | 'rate-limited' | 'account' | 'not-found' | 'unclear'

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly kind: UpstreamErrorKind
  readonly retryAfterMs: number | null

  constructor(kind: UpstreamErrorKind, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options)
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** What an upstream threw; anything but an `UpstreamError` tells nothing about what happened to the job. */
export const asUpstreamError = (thrown: unknown): UpstreamError =>
  thrown instanceof UpstreamError ? thrown : new UpstreamError('unclear', asError(thrown).message, { cause: thrown })
