import { asError } from '../../errors.js'
import type { Inputs, Result, Task } from '../task.js'

/**
 * The service that makes the videos: JoggAI, the built-in engine, or an implementation of your own.
 *
 * The gateway pays for each task once, whatever happens to the calls. It relies on this:
 *
 * - `submit` makes one call and never repeats it. An error says by its `kind` what became of the job; when that is not
 *   certain, the kind is `unclear`, which costs time and no money.
 * - Every method ends, within the time limit the implementation sets itself, and soon after `signal` aborts.
 * - Every method rejects with an `UpstreamError`. Anything else that is thrown counts as `unclear`.
 */
export interface Upstream extends AsyncDisposable {
  /** Names the upstream in the gateway's status and log. */
  readonly name: string
  /** How many submits it takes in any 60 s; null: no limit. */
  readonly submitsPerMinute: number | null
  /**
   * Returns what an output of this length costs, in hundredths of a credit: a whole number, 0 when it is free.
   *
   * @param durationMs length of the output in milliseconds
   */
  priceOf(durationMs: number): number
  /**
   * Returns whether the upstream could start another job now. If not, tasks stay in the gateway's queue, which is fair
   * between callers. An upstream that has it should also call the `onChange` listener when a job ends. @default always
   */
  hasCapacity?(): boolean
  /** Submits a job: the call that costs money. Returns the upstream's id of the job, 1 to 200 printable characters. */
  submit(request: SubmitRequest, signal: AbortSignal): Promise<string>
  /** Returns the state of a job. Rejects with `not-found` when the upstream certainly has no such job. */
  getJob(upstreamId: string, signal: AbortSignal): Promise<UpstreamJob>
  /**
   * Returns the latest job with the same inputs, or null when there certainly is none. The gateway calls it after the
   * answer to a submit was lost, to find out whether the job exists. Without it such a task waits for a person.
   */
  findJob?(request: SubmitRequest, signal: AbortSignal): Promise<UpstreamJob | null>
  /**
   * Begins to copy a file to the upstream, for a gateway that the upstream cannot reach. One call, counted like a submit;
   * nothing is paid for it. Without it, uploaded files are submitted by the gateway's own link.
   */
  createAsset?(file: AssetFile, signal: AbortSignal): Promise<Asset>
  /**
   * Returns the current time by the upstream's own clock, in milliseconds since the Unix epoch; null while unknown. The
   * age of a found job is judged by it, so it must not depend on the gateway's wall clock.
   */
  time?(): number | null
  /** Returns the share of a job that is done, 0 to 1; null when it is not being made. Read often, so it must be cheap. */
  progress?(upstreamId: string): number | null
  /**
   * Registers the one listener of changes that the upstream reports on its own: the job of a task started or ended
   * (`status`), or has more progress (at most once a second per job). A lost report only costs time.
   */
  onChange?(listener: (taskId: string, what: 'status' | 'progress') => void): void
}

/** The job to make. */
export interface SubmitRequest extends Inputs {
  /** The gateway's id of the task, for an upstream that can tell apart two jobs with equal inputs. */
  readonly taskId: string
}

/** The request as it was or will be submitted: a look-up by inputs has to name the same links. */
export function submitRequestOf(task: Task): SubmitRequest {
  const { id, videoUrl, audioUrl, playbackType } = task
  const sent = 'sentVideoUrl' in task ? task : null
  return {
    taskId: id,
    videoUrl: sent?.sentVideoUrl ?? videoUrl,
    audioUrl: sent?.sentAudioUrl ?? audioUrl,
    playbackType,
  }
}

/** A file to copy to an upstream. */
export interface AssetFile {
  readonly path: string
  readonly name: string
  readonly contentType: string
  readonly sizeBytes: number
}

/** A copy that was begun. */
export interface Asset {
  /** The link to submit once the file was sent. */
  readonly url: string
  /** Sends the file. */
  send(signal: AbortSignal): Promise<void>
}

/** A job as the upstream reports it. Times are by the upstream's own clock, in milliseconds since the Unix epoch. */
export type UpstreamJob = {
  readonly upstreamId: string
  /**
   * When the upstream accepted it. Null when that is not known, or when the job certainly belongs to the request (the
   * upstream knows the task id): then its age is not judged.
   */
  readonly createdAt: number | null
} & (
  | { readonly status: 'pending' | 'processing' }
  | { readonly status: 'success'; readonly completedAt: number | null; readonly result: Result }
  /** The message is shown to the caller; the query strings of links are cut off it. */
  | { readonly status: 'failed'; readonly completedAt: number | null; readonly message: string }
)

/**
 * What a failed call means. The upstream classifies; the submitter and the status poller decide what to do about it.
 *
 * - `rejected`: the inputs are at fault. The job was not accepted and never will be.
 * - `not-accepted`: certainly not accepted, and the job is not at fault, as when nothing was sent.
 * - `rate-limited`: certainly not accepted, too many calls; `retryAfterMs` where the upstream gave it.
 * - `account`: certainly not accepted, the account is at fault (key, credit, permission).
 * - `not-found`: the upstream certainly has no such job.
 * - `unsupported`: the upstream does not offer this call, which says nothing about the job. Of `findJob` only.
 * - `unclear`: the call was sent, and its answer was lost or cannot be understood.
 */
export const UPSTREAM_ERROR_KINDS = [
  'rejected',
  'not-accepted',
  'rate-limited',
  'account',
  'not-found',
  'unsupported',
  'unclear',
] as const
export type UpstreamErrorKind = (typeof UPSTREAM_ERROR_KINDS)[number]

export interface UpstreamErrorOptions {
  readonly cause?: unknown
  /** How long to wait before the next call, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/** The one error of an upstream. Its message is for operators; the query strings of links are cut off it. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly kind: UpstreamErrorKind
  readonly retryAfterMs: number | null

  constructor(kind: UpstreamErrorKind, message: string, { cause, retryAfterMs }: UpstreamErrorOptions = {}) {
    super(cutUrlQueries(message), cause === undefined ? undefined : { cause })
    this.kind = kind
    this.retryAfterMs = retryAfterMs ?? null
  }
}

/** Whatever an upstream threw, as an `UpstreamError`. */
export function asUpstreamError(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown
  return new UpstreamError('unclear', asError(thrown).message, { cause: thrown })
}

/** Cuts off the query and the fragment of each URL in a text, because signed links carry their secret there. */
export function cutUrlQueries(text: string): string {
  return text.replace(/(\bhttps?:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi, '$1?…')
}
