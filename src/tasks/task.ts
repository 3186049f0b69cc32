/**
 * The life of a task.
 *
 * A task is `queued` when it is accepted here; until it leaves it can be `canceled` at no cost. Before the paid call
 * leaves, the task is written as `submitting`, so that a crash in between leaves a trace: whoever finds a task in
 * `submitting` after a restart knows that money may have been spent. An answer makes it `submitted`; a refusal that
 * surely cost nothing sends it back to `queued`; a lost answer makes it `unknown`, and only a look-up upstream (or a
 * person) may settle that. `processing` is the upstream at work. `success`, `failed` and `canceled` are final.
 *
 * Each step is one row of the log. `NEXT` is the whole truth about which steps exist: `advance` compiles for no other,
 * and the store carries a step out only if nobody else moved the task first.
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
/** The stages from which `N` can be reached. */
export type PreviousStage<N extends Stage> = { [S in Stage]: N extends (typeof NEXT)[S][number] ? S : never }[Stage]

/** The four states of a task as JoggAI names them. */
export const STATUSES = ['PENDING', 'PROCESSING', 'SUCCESS', 'FAILED'] as const
export type Status = (typeof STATUSES)[number]

export const STATUS_OF = {
  queued: 'PENDING',
  submitting: 'PENDING',
  unknown: 'PENDING',
  submitted: 'PENDING',
  processing: 'PROCESSING',
  success: 'SUCCESS',
  failed: 'FAILED',
  canceled: 'FAILED',
} as const satisfies Record<Stage, Status>

export const STAGE_MEANINGS = {
  queued: 'Accepted by the gateway, and not yet sent.',
  submitting: 'Being sent upstream.',
  unknown: 'Sent, and the answer got lost: whether the upstream has it is being settled.',
  submitted: 'Accepted upstream.',
  processing: 'Being made.',
  success: 'Made. Final.',
  failed: 'Not made. Final.',
  canceled: 'Taken back before it was sent; nothing was paid. Final.',
} as const satisfies Record<Stage, string>

/** How a video shorter than the audio is extended. The values are JoggAI's. */
export const PLAYBACK_TYPES = ['normal', 'normal_reverse', 'normal_reverse_by_audio'] as const
export type PlaybackType = (typeof PLAYBACK_TYPES)[number]

/** What a lip sync is made from; to the upstream, two equal ones are the same job. */
export interface Inputs {
  readonly videoUrl: string
  readonly audioUrl: string
  readonly playbackType: PlaybackType
}

/** What became of the speaker's mouth. */
export const ANIMATIONS = {
  ANIMATED: 'The mouth follows the new audio.',
  NO_FACE_FOUND: 'The video shows no face to animate: it has the new audio, and its pictures are as they were.',
} as const satisfies Record<string, string>
export type Animation = keyof typeof ANIMATIONS

export interface Result {
  /** Absolute, or a path below the gateway's public URL for files that the gateway itself serves. */
  readonly resultUrl: string
  readonly coverUrl: string | null
  readonly durationMs: number
  /** Null where the upstream does not tell. */
  readonly animation: Animation | null
  /** The share of the frames whose mouth was moved, 0 to 1; null where the upstream does not tell. */
  readonly animatedShare: number | null
}

/** Why a task failed. */
export const FAILURE_CODES = {
  UPSTREAM_REJECTED: 'The upstream refused the inputs; nothing was paid.',
  UPSTREAM_FAILED: 'The upstream took the job and could not finish it; the message is its own.',
  UPSTREAM_LOST_TASK: 'The upstream took the job and does not know it any more.',
  SUBMIT_UNRESOLVED: 'Whether the upstream took the job could not be settled; a person gave it up.',
  EXPIRED: 'It waited too long to be sent; nothing was paid.',
  CANCELED: 'The caller took it back before it was sent; nothing was paid.',
} as const satisfies Record<string, string>
export type FailureCode = keyof typeof FAILURE_CODES

export interface Failure {
  readonly code: FailureCode
  readonly message: string
}

interface Waiting {
  /** Since when it waits to be sent: its acceptance, or a person's word that it shall be sent again. */
  readonly queuedAt: number
}
interface Attempted extends Waiting {
  /** When the paid call was about to leave. */
  readonly attemptedAt: number
}
interface Accepted {
  /** The upstream's own id of the job. */
  readonly upstreamId: string
  /** When the upstream accepted it, as far as the gateway knows. */
  readonly submittedAt: number
}
interface Begun extends Accepted {
  /** When the upstream was first seen at work. */
  readonly startedAt: number
}

/** What a task has in each stage, beside what it always has. Times are milliseconds since the Unix epoch. */
interface FieldsByStage {
  queued: Waiting
  submitting: Attempted
  unknown: Attempted
  submitted: Accepted
  processing: Begun
  success: Accepted & Partial<Begun> & { readonly completedAt: number; readonly result: Result }
  failed: Partial<Begun> & { readonly completedAt: number; readonly failure: Failure }
  canceled: { readonly completedAt: number; readonly failure: Failure }
}

interface TaskBase extends Inputs {
  /** UUIDv7: a later task has a greater id. */
  readonly id: string
  /** The caller's own name for it. */
  readonly reference: string | null
  /** The caller's word that a repeated create is the same one. */
  readonly idempotencyKey: string | null
  /** Whose it is. */
  readonly caller: string
  /** What was set aside of the caller's budget until the true length is known, in hundredths of a credit. */
  readonly reservedCents: number
  /** The failed task that this one makes again. */
  readonly retryOf: string | null
  readonly createdAt: number
  /** Where this state stands in the log: the number of the transition that led here. */
  readonly seq: number
}

export type TaskIn<S extends Stage> = { [K in S]: TaskBase & { readonly stage: K } & FieldsByStage[K] }[S]
export type Task = TaskIn<Stage>
export type FinalTask = TaskIn<'success' | 'failed' | 'canceled'>

/** What has to be said to bring a task from one stage to another: all that the new stage has and the old one lacks. */
export type FieldsTo<S extends Stage, N extends Stage> = Omit<TaskIn<N>, keyof TaskIn<S>>

/** The task one step further. The store numbers the step when it writes it. */
export const advance = <N extends Stage, S extends PreviousStage<N>>(
  task: TaskIn<S>,
  stage: N,
  fields: FieldsTo<S, N>,
): TaskIn<N> => ({ ...task, ...fields, stage }) as unknown as TaskIn<N>

export const statusOf = (task: Task): Status => STATUS_OF[task.stage]

export const isFinal = (task: Task): task is FinalTask => NEXT[task.stage].length === 0
