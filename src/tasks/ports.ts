import { asError } from '../errors.js'
import type { WatchOnly } from './caller.js'
import type { Inputs, Result, Stage, Status, Task, TaskIn } from './task.js'

/** What the upstream is asked to make. */
export interface Job extends Inputs {
  /** The gateway's id of the task, for an upstream that can tell two jobs with the same inputs apart. */
  readonly taskId: string
}

export const jobOf = ({ id, videoUrl, audioUrl, playbackType }: Task): Job => ({
  taskId: id,
  videoUrl,
  audioUrl,
  playbackType,
})

/**
 * A job as the upstream tells it. Times are milliseconds since the Unix epoch: `createdAt` by the gateway's clock, as far
 * as the upstream tells how its own stands; `completedAt` by the upstream's.
 */
export type Sighting = { readonly upstreamId: string; readonly createdAt: number | null } & (
  | { readonly status: 'pending' | 'processing' }
  | { readonly status: 'success'; readonly completedAt: number | null; readonly result: Result }
  | { readonly status: 'failed'; readonly completedAt: number | null; readonly message: string }
)

/** Who makes the lip sync: JoggAI, or the built-in engine. Every method rejects with an `UpstreamError`. */
export interface Upstream extends AsyncDisposable {
  readonly name: string
  /** Whether a job that is handed over now would be worked on. Else it waits in the queue, where callers take turns. */
  hasRoom?(): boolean
  /** Hands a job over: the paid call. Answers the upstream's id of it. */
  submit(job: Job, signal: AbortSignal): Promise<string>
  /** How a job stands. */
  look(upstreamId: string, signal: AbortSignal): Promise<Sighting>
  /** The latest job made from the same inputs, or null when there surely is none: settles a submit without answer. */
  find(job: Job, signal: AbortSignal): Promise<Sighting | null>

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

/** When the poller looks at a task again, and what it has to remember for that. */
export interface Watch {
  /** Milliseconds since the Unix epoch; null: not looked at. */
  readonly dueAt: number | null
  /** Looks since the last change that ended without an error. */
  readonly looks: number
  /** Looks in a row that ended with an error. */
  readonly failures: number
  /** Times in a row that the upstream said it has no such job; an error in between does not count. */
  readonly absences: number
}

/** A step of the log: the task as it was then, and why it went there. */
export interface Transition {
  readonly task: Task
  readonly at: number
  readonly reason: string | null
}

/** What is written with a step. */
export interface Step {
  readonly at: number
  readonly reason: string | null
  readonly watch: Watch
}

/** Which tasks a page shows. The bounds are ids and exclusive. */
export interface PageQuery {
  readonly caller: string
  /** Only these. */
  readonly ids?: readonly string[] | undefined
  readonly statuses?: readonly Status[] | undefined
  readonly reference?: string | undefined
  readonly newerThan?: string | undefined
  readonly olderThan?: string | undefined
  readonly limit: number
  /** From the old end of that range instead of the new one. */
  readonly oldestFirst?: boolean | undefined
}

/** What a caller may have at a time. Null: no limit. */
export interface Allowance {
  readonly waitingTasks: number | null
  /** In the month of the new task: spent and set aside together, in hundredths of a credit. */
  readonly monthlyCents: number | null
}

export type Refusal =
  | { readonly refused: 'waitingTasks' }
  | { readonly refused: 'monthlyCents'; readonly leftCents: number }

/** What a caller used in one month. */
export interface MonthlyUsage {
  /** `2026-01`, by UTC. */
  readonly month: string
  readonly tasks: Readonly<Record<Status, number>>
  readonly durationMs: number
  readonly spentCents: number
  readonly reservedCents: number
}

/** The waiting tasks of one caller. */
export interface QueueLine {
  readonly caller: string
  readonly waiting: number
  /** Its oldest task that may leave; null when all wait for a lost answer to be settled. */
  readonly first: string | null
  /** When it last had its turn, as a place in the log; 0: never. */
  readonly turn: number
}

export type NewTask = Omit<TaskIn<'queued'>, 'seq'>

/** A part of the log: one task's, or a caller's, or of a caller's only what a watch token shows. */
export type LogOf = { readonly taskId: string } | { readonly caller: string; readonly only: WatchOnly | null }
export type LogQuery = LogOf & { readonly limit: number }

/** Where tasks are kept. What a method answered is on the disk. */
export interface TaskStore extends AsyncDisposable {
  /**
   * Writes a new task and its first transition, and sets its price aside. When its idempotency key or its retry is
   * taken: answers the task that has it. When it would go beyond what its caller may: writes nothing.
   */
  create(task: NewTask, allowance: Allowance): Promise<Task | Refusal>
  get(id: string): Promise<Task | null>
  /** The task that has this idempotency key, or is the retry of that task, already. */
  earlier(of: Pick<NewTask, 'caller' | 'idempotencyKey' | 'retryOf'>): Promise<Task | null>
  page(query: PageQuery): Promise<Task[]>

  /**
   * Carries out one step: the task and its transition, in one transaction, if the task still is where `from` says.
   * Null when somebody else moved it first.
   */
  move<N extends Stage>(from: Task, to: TaskIn<N>, step: Step): Promise<TaskIn<N> | null>
  /** Remembers when to look next, unless the task has moved on meanwhile. */
  watch(task: Task, watch: Watch): Promise<void>

  /** Tasks to look at by now, the longest overdue first. */
  due(now: number, limit: number): Promise<{ task: Task; watch: Watch }[]>
  /** When the next task is due; null when none is watched. */
  nextDueAt(): Promise<number | null>
  /** Who waits in the queue. */
  queueLines(): Promise<QueueLine[]>
  /** How many tasks of the same caller are in front of this one. */
  queuedBefore(task: Task): Promise<number>
  /** Tasks that wait since `until` or longer, to be sent no more. */
  waitingSince(until: number, limit: number): Promise<TaskIn<'queued'>[]>
  /** Since when the longest waiting task waits to be sent. */
  oldestQueuedAt(): Promise<number | null>
  /** How many tasks wait to be sent, and how many are looked at. */
  counts(): Promise<{ queued: number; active: number }>
  /** Tasks whose submit began and has no answer yet. */
  submitting(): Promise<TaskIn<'submitting'>[]>
  /** When each submit since `after` ended, oldest first; one that has not ended yet counts as its beginning. */
  submitsSince(after: number): Promise<number[]>
  /** Whether a task of ours stands for this job of the upstream. */
  owns(upstreamId: string): Promise<boolean>

  /** The log after `seq`, in order: a caller's, or one task's. */
  transitionsAfter(seq: number, query: LogQuery): Promise<Transition[]>
  /** The end of the log; 0 when it is empty. */
  lastSeq(): Promise<number>

  /** A caller's months, the latest first. */
  usage(caller: string, limit: number): Promise<MonthlyUsage[]>

  /** Rejects when nothing can be written. */
  check(): Promise<void>
}
