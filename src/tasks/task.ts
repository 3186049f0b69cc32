/**
 * The life of a task.
 *
 * A task is `queued` when the gateway accepts it; until it leaves the queue it can be `canceled` at no cost. Before the
 * paid call leaves, the task is written as `submitting`, so that a crash in between leaves a trace: a task found in
 * `submitting` after a restart may have been paid for. An answer makes it `submitted`; a rejection that certainly cost
 * nothing returns it to `queued`; a lost answer makes it `unknown`, which only a look-up at the upstream or a person
 * resolves. `processing` means that the upstream is working on it. `success`, `failed` and `canceled` are final.
 *
 * Each step is one row of the log. `NEXT` lists every step there is: `advance` compiles for no other, and the store
 * carries a step out only if the task has not moved since it was read.
 */
export const NEXT = {
  queued: ['submitting', 'failed', 'canceled'],
  submitting: ['submitted', 'queued', 'unknown', 'failed'],
  unknown: ['submitted', 'queued', 'failed'],
  submitted: ['processing', 'success', 'failed'],
  processing: ['success', 'failed'],
  success: [],
  failed: [],
  canceled: [],
} as const satisfies Record<string, readonly string[]>

export type Stage = keyof typeof NEXT
/** The stages that lead to `N`. */
export type PreviousStage<N extends Stage> = { [S in Stage]: N extends (typeof NEXT)[S][number] ? S : never }[Stage]

/** The state of a task in short: JoggAI's four, and CANCELED. */
export const STATUSES = ['PENDING', 'PROCESSING', 'SUCCESS', 'FAILED', 'CANCELED'] as const
export type Status = (typeof STATUSES)[number]

export const STATUS_OF = {
  queued: 'PENDING',
  submitting: 'PENDING',
  unknown: 'PENDING',
  submitted: 'PENDING',
  processing: 'PROCESSING',
  success: 'SUCCESS',
  failed: 'FAILED',
  canceled: 'CANCELED',
} as const satisfies Record<Stage, Status>

export const STAGE_MEANINGS = {
  queued: 'Accepted by the gateway, not yet submitted.',
  submitting: 'Being submitted to the upstream.',
  unknown: 'Submitted, but the answer was lost: the gateway is finding out whether the upstream has it.',
  submitted: 'Accepted by the upstream.',
  processing: 'Being made by the upstream.',
  success: 'The result is ready. Final.',
  failed: 'There will be no result. Final.',
  canceled: 'Canceled before it was submitted; nothing was paid. Final.',
} as const satisfies Record<Stage, string>

/** How a video shorter than the audio is extended. The values are JoggAI's. */
export const PLAYBACK_TYPES = ['normal', 'normal_reverse', 'normal_reverse_by_audio'] as const
export type PlaybackType = (typeof PLAYBACK_TYPES)[number]

/** The inputs of a lip sync. The upstream cannot distinguish two jobs with equal inputs. */
export interface Inputs {
  readonly videoUrl: string
  readonly audioUrl: string
  readonly playbackType: PlaybackType
}

/** The SHA-256 of inputs that were uploaded to the gateway, in hex; null for an input that is a link. */
export interface InputHashes {
  readonly videoSha256: string | null
  readonly audioSha256: string | null
}

/** The inputs as the store compares them: an upload by its content, a link by its text. */
export type HashedInputs = Inputs & InputHashes

/** Whether the speaker's mouth was animated. */
export const ANIMATIONS = {
  ANIMATED: 'The mouth follows the new audio.',
  NO_FACE_FOUND: 'The video shows no face to animate: it has the new audio and unchanged pictures.',
} as const satisfies Record<string, string>
export type Animation = keyof typeof ANIMATIONS

export interface Result {
  /** Absolute, or a path below the gateway's public URL for files that the gateway itself serves. */
  readonly resultUrl: string
  readonly coverUrl: string | null
  /** Null where the upstream does not report it. */
  readonly durationMs: number | null
  /** Null where the upstream does not report it. */
  readonly animation: Animation | null
  /** The share of the frames whose mouth was moved, 0 to 1; null where the upstream does not report it. */
  readonly animatedShare: number | null
}

/** Why a task failed. */
export const FAILURE_CODES = {
  UPSTREAM_REJECTED: 'The upstream rejected the inputs; nothing was paid.',
  UPSTREAM_FAILED: 'The upstream accepted the job and could not finish it; the message is its own.',
  UPSTREAM_LOST_TASK: 'The upstream accepted the job and no longer knows it.',
  GIVEN_UP: 'The upstream accepted the job, and a person gave it up: it stalled, or its answers cannot be used.',
  SUBMIT_UNRESOLVED: 'It is not known whether the upstream accepted the job; a person gave it up.',
  EXPIRED: 'It waited too long to be submitted; nothing was paid.',
  CANCELED: 'The caller canceled it before it was submitted; nothing was paid.',
} as const satisfies Record<string, string>
export type FailureCode = keyof typeof FAILURE_CODES

export interface Failure {
  readonly code: FailureCode
  readonly message: string
}

interface Waiting {
  /** When it entered the queue: at its creation, or when a person decided to submit it again. */
  readonly queuedAt: number
  readonly queuedMono: number
}
interface Attempted extends Waiting {
  /** When the paid call was about to leave. */
  readonly attemptedAt: number
  readonly attemptedMono: number
  /** The same moment by the upstream's own clock; null where that is not known. */
  readonly attemptedUpstreamAt: number | null
  /** The link to the video that was submitted; null: the task's own. A look-up by inputs has to name the same. */
  readonly sentVideoUrl: string | null
  readonly sentAudioUrl: string | null
}
interface Accepted {
  /** The upstream's own id of the job. */
  readonly upstreamId: string
  /** When the upstream accepted it, as far as the gateway knows. */
  readonly submittedAt: number
  readonly submittedMono: number
}
interface Begun extends Accepted {
  /** When the gateway first saw the upstream work on it. */
  readonly startedAt: number
}
interface Failed {
  readonly completedAt: number
  readonly failure: Failure
}

/**
 * The fields of a task in each stage, beside those it always has. `…At` is the wall clock in milliseconds since the Unix
 * epoch, for display only: it may jump. `…Mono` is monotonic time in milliseconds, for every decision.
 */
export interface FieldsByStage {
  queued: Waiting
  submitting: Attempted
  unknown: Attempted
  submitted: Accepted
  processing: Begun
  success: Accepted &
    Partial<Begun> & {
      readonly completedAt: number
      readonly result: Result
      /** What it cost, in hundredths of a credit. */
      readonly costCents: number
    }
  failed: Partial<Begun> & Failed
  canceled: Failed
}

interface TaskBase extends HashedInputs {
  /** A UUIDv7. */
  readonly id: string
  /** The caller's own name for it. */
  readonly reference: string | null
  /** Marks repeated creates as the same task. */
  readonly idempotencyKey: string | null
  readonly caller: string
  /** What is reserved of the caller's budget until the cost is known, in hundredths of a credit. */
  readonly reservedCents: number
  /** The failed task that this one repeats. */
  readonly retryOf: string | null
  /** The program that created it, as it named itself over REST. */
  readonly platform: string | null
  /** The batch that it was accepted in. */
  readonly batchId: string | null
  readonly createdAt: number
  /**
   * Whether the gateway looks for a job with its inputs at the upstream before its first submit: the database was
   * restored while the task was queued, so it may have been submitted since the backup.
   */
  readonly lookupFirst: boolean
  /** The number of the transition that led to this state. */
  readonly seq: number
}

export type TaskIn<S extends Stage> = { [K in S]: TaskBase & { readonly stage: K } & FieldsByStage[K] }[S]
export type Task = TaskIn<Stage>
export type FinalTask = TaskIn<'success' | 'failed' | 'canceled'>

/** The fields that a step from one stage to another requires: those of the new stage that the old one lacks. */
export type FieldsTo<S extends Stage, N extends Stage> = Omit<TaskIn<N>, keyof TaskIn<S>> & Partial<FieldsByStage[N]>

/** Returns the task after one step. The store numbers the step when it writes it. */
export function advance<N extends Stage, S extends PreviousStage<N>>(
  task: TaskIn<S>,
  stage: N,
  fields: FieldsTo<S, N>,
): TaskIn<N> {
  // A task that comes back from `unknown` was looked up, or a person decided to submit it.
  const lookupFirst = task.lookupFirst && !(task.stage === 'unknown' && stage === 'queued')
  // Fields of the old stage stay on the object; the store writes those of the new stage only.
  return { ...task, ...fields, lookupFirst, stage } as unknown as TaskIn<N>
}

export function statusOf(task: Pick<Task, 'stage'>): Status {
  return STATUS_OF[task.stage]
}

export function isFinal(task: Task): task is FinalTask {
  return NEXT[task.stage].length === 0
}
