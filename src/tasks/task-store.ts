import type { TaskRestriction } from './caller.js'
import type { PollState } from './poll-state.js'
import type { Stage, Status, Task, TaskIn } from './task.js'

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
  readonly watch: PollState
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

export type LimitReached =
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
export interface CallerQueue {
  readonly caller: string
  readonly waiting: number
  /** Its oldest task that may leave; null when all wait for a lost answer to be settled. */
  readonly first: string | null
  /** When it last had its turn, as a place in the log; 0: never. */
  readonly turn: number
}

export type NewTask = Omit<TaskIn<'queued'>, 'seq'>

/** A part of the log: one task's, or a caller's, or of a caller's only what a watch token shows. */
export type LogOf =
  | { readonly taskId: string }
  | { readonly caller: string; readonly restriction: TaskRestriction | null }
export type LogQuery = LogOf & { readonly limit: number }

/** Where tasks are kept. What a method answered is on the disk. */
export interface TaskStore extends AsyncDisposable {
  /**
   * Writes a new task and its first transition, and sets its price aside. When its idempotency key or its retry is
   * taken: answers the task that has it. When it would go beyond what its caller may: writes nothing.
   */
  create(task: NewTask, allowance: Allowance): Promise<Task | LimitReached>
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
  watch(task: Task, watch: PollState): Promise<void>

  /** Tasks to look at by now, the longest overdue first. */
  due(now: number, limit: number): Promise<{ task: Task; watch: PollState }[]>
  /** When the next task is due; null when none is watched. */
  nextDueAt(): Promise<number | null>
  /** Who waits in the queue. */
  callerQueues(): Promise<CallerQueue[]>
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
