import type { Inputs, Result, Task } from './task.js'

/** What the upstream is asked to make. */
export interface Job extends Inputs {
  /** The gateway's id of the task, for an upstream that can tell two jobs with the same inputs apart. */
  readonly taskId: string
}

/** A job as the upstream tells it. Times are milliseconds since the Unix epoch, by the upstream's clock. */
export type Sighting = { readonly upstreamId: string; readonly createdAt: number | null } & (
  | { readonly status: 'pending' | 'processing' }
  | { readonly status: 'success'; readonly completedAt: number | null; readonly result: Result }
  | { readonly status: 'failed'; readonly completedAt: number | null; readonly message: string }
)

/** Who makes the lip sync: JoggAI, or the built-in engine. Every method rejects with an `UpstreamError`. */
export interface Upstream extends AsyncDisposable {
  readonly name: string
  /** Hands a job over: the paid call. Answers the upstream's id of it. */
  submit(job: Job, signal: AbortSignal): Promise<string>
  /** How a job stands. */
  look(upstreamId: string, signal: AbortSignal): Promise<Sighting>
  /** The latest job made from the same inputs, or null when there surely is none: settles a submit without answer. */
  find(job: Job, signal: AbortSignal): Promise<Sighting | null>
}

/**
 * What a failed call means, as the upstream's client classifies it. What to do about it is decided in `round.ts` alone.
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
