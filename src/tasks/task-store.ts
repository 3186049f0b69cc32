import type { Batch, BatchCounts } from './batch.js'
import type { UpstreamErrorKind } from './driver/upstream.js'
import type { PollState } from './poll-state.js'
import type { HashedInputs, PreviousStage, Stage, Status, Task, TaskIn } from './task.js'
import type { AssetStore, UploadStore } from './upload-store.js'

/**
 * The task store, cut by its clients. Every method is asynchronous; when one resolves, its effect is durable. Methods
 * reject with a `StoreError`.
 *
 * The rules every store keeps:
 * - A task and its transition are written in one transaction, and a move wins only against the state it names.
 * - Of the tasks of one caller, a transition never becomes visible after a later one did. Followers read by
 *   `seq > cursor` and rely on it. Over several callers there is no such order.
 * - Times named `…Mono` are monotonic milliseconds of the store's own clock, which continues over restarts.
 */
export interface TaskStore
  extends TaskReader,
    TaskWriter,
    TaskLog,
    SubmitQueue,
    PollQueue,
    UsageStore,
    BatchReader,
    UploadStore,
    AssetStore,
    GatewayState,
    AsyncDisposable {}

export interface TaskReader {
  get(id: string): Promise<Task | null>
  /** The tasks with these ids. Ids without a task are left out. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Task>>
  /** The task that already has this idempotency key, or already is the retry of that task. */
  earlier(of: Pick<NewTask, 'caller' | 'idempotencyKey' | 'retryOf'>): Promise<Task | null>
  /** The task that this caller created last with these very inputs, whatever its stage. */
  latestByInputs(caller: string, inputs: HashedInputs): Promise<Task | null>
  /** Tasks, newest first unless `oldestFirst` is set: ordered by creation time, then by id. */
  page(query: PageQuery): Promise<Task[]>
}

/** The tasks that a caller or one of its watch tokens may see. Absent fields do not restrict. */
export interface TaskFilter {
  /** Absent: the tasks of all callers. */
  readonly caller?: string | undefined
  readonly ids?: readonly string[] | undefined
  readonly reference?: string | undefined
  readonly batchId?: string | undefined
}

/** A page of tasks: those that match every given filter. An empty list of stages or statuses does not filter. */
export interface PageQuery extends TaskFilter {
  readonly stages?: readonly Stage[] | undefined
  readonly statuses?: readonly Status[] | undefined
  readonly retryOf?: string | undefined
  /** Created at this time or later, in milliseconds since the Unix epoch. */
  readonly createdAfter?: number | undefined
  /** Created before this time, in milliseconds since the Unix epoch. */
  readonly createdBefore?: number | undefined
  /** Only tasks after the one with this id. */
  readonly newerThan?: string | undefined
  /** Only tasks before the one with this id. */
  readonly olderThan?: string | undefined
  readonly limit: number
  /** Takes the page from the old end of the range. @default false */
  readonly oldestFirst?: boolean | undefined
}

export interface TaskWriter {
  /**
   * Writes a new task and its first transition, and reserves its price. Returns the earlier task when its idempotency
   * key or its retry is taken. Writes nothing when the task would exceed the allowance.
   */
  create(task: NewTask, allowance: Allowance): Promise<Task | LimitReached>
  /**
   * Writes the tasks of a batch, all or none, within one allowance. Returns the earlier tasks when all of them exist
   * already as one batch.
   */
  createBatch(
    batch: Omit<Batch, 'size'>,
    tasks: readonly NewTask[],
    allowance: Allowance,
  ): Promise<Task[] | BatchRefusal>
  /**
   * Carries out one step: the task and its transition, in one transaction, if the task still is in the state `from`.
   * Returns null when the task has moved since.
   */
  move<N extends Stage, S extends PreviousStage<N>>(
    from: TaskIn<S>,
    to: TaskIn<N>,
    step: Step,
  ): Promise<TaskIn<N> | null>
}

/** Why a batch was refused, as a whole. */
export type BatchRefusal =
  | LimitReached
  /** Tasks outside of the batch have these idempotency keys, by the indexes of the new tasks. */
  | { readonly refused: 'taken'; readonly indexes: readonly number[] }

export interface BatchReader {
  batch(id: string): Promise<Batch | null>
  batchCounts(id: string): Promise<BatchCounts>
}

/** A task to create. The store numbers it. */
export type NewTask = Omit<TaskIn<'queued'>, 'seq' | 'lookupFirst'>

/** What a caller may still use. Null: no limit. */
export interface Allowance {
  /** Creates in a minute, counted from the first. */
  readonly createsPerMinute: number | null
  /** Tasks in the queue. */
  readonly waitingTasks: number | null
  /** Spent and reserved together in the month of the new task, in hundredths of a credit. */
  readonly monthlyCents: number | null
}

export type LimitReached =
  | { readonly refused: 'createsPerMinute'; readonly retryAfterMs: number }
  | { readonly refused: 'waitingTasks' }
  | { readonly refused: 'monthlyCents'; readonly leftCents: number }

/** What is written with a step. */
export interface Step {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly mono: number
  readonly reason: string | null
  readonly poll: PollState
}

export interface TaskLog {
  /**
   * Identifies this log. It changes when the database went back in time: sequence numbers of another epoch mean nothing
   * here.
   */
  readonly epoch: string
  /** The transitions after `seq`, in order. */
  transitionsAfter(seq: number, query: LogQuery): Promise<Transition[]>
  /** The number of the last transition of a task or of a caller's tasks, or of all; 0 when there is none. */
  lastSeq(selection: LogSelection): Promise<number>
}

/** A part of the log: the transitions of one task, or of the tasks that match a filter. */
export type LogSelection = { readonly taskId: string } | { readonly filter: TaskFilter }
export type LogQuery = LogSelection & { readonly limit: number }

/** A step in the log: the task as it was after the step, and the reason. */
export interface Transition {
  readonly task: Task
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly reason: string | null
}

export interface SubmitQueue {
  /**
   * The task to submit next: callers take turns, and each caller's tasks are submitted in the order of their creation.
   * Skips the tasks of `exceptCallers`, and tasks whose inputs equal those of a task with an unresolved submit. Null when
   * no task may be submitted.
   */
  nextToSubmit(exceptCallers?: readonly string[]): Promise<TaskIn<'queued'> | null>
  /** The callers that have queued tasks. */
  callerQueues(): Promise<CallerQueue[]>
  /** For each of these tasks that is queued: how many queued tasks of its caller are before it. */
  queuedBefore(tasks: readonly Task[]): Promise<ReadonlyMap<string, number>>
  /** Tasks queued at this time or earlier, the oldest first. */
  expiredQueued(beforeMono: number, limit: number): Promise<TaskIn<'queued'>[]>
  /** When the oldest queued task was queued; null when the queue is empty. */
  oldestQueued(): Promise<{ readonly queuedAt: number; readonly queuedMono: number } | null>
  /** Tasks whose submit began and has no answer yet. */
  submitting(): Promise<TaskIn<'submitting'>[]>
  /**
   * Decides whether a submit may leave now, picks the task as `nextToSubmit` does and moves it to `submitting`, all in
   * one transaction in which no other gateway does the same.
   */
  claimNext(request: ClaimRequest): Promise<Claim>
  /** The pause of the queue, shared by all gateways on the database. */
  pauseState(): Promise<PauseState>
  /** Replaces it by what `change` returns, which may be called several times. Returns the new one. */
  changePause(change: (state: PauseState) => PauseState): Promise<PauseState>
  /** The latest submits, the earliest begun first. */
  recentSubmits(limit: number): Promise<RecentSubmit[]>
  /** How many tasks are in each stage. */
  counts(): Promise<Readonly<Record<Stage, number>>>
  /** Whether this job of the upstream belongs to a task of this gateway. */
  owns(upstreamId: string): Promise<boolean>
}

/** The queued tasks of one caller. */
export interface CallerQueue {
  readonly caller: string
  readonly waiting: number
  /** Its oldest task that may be submitted; null when all wait for an unresolved submit of the same inputs. */
  readonly first: string | null
  /** The number of the transition that was its latest turn; 0: it had none. */
  readonly turn: number
}

export interface RecentSubmit {
  readonly taskId: string
  readonly begunMono: number
  /** When its outcome was written; null while it is under way, so that it may still reach the upstream at any time. */
  readonly endedMono: number | null
}

export interface ClaimRequest {
  /** How many submits may leave in a window; null: no limit, and `recent` is empty. */
  readonly window: number | null
  /** The upstream at which the uploaded inputs of the task may have copies; null: it takes none. */
  readonly copiesAt: string | null
  /** Callers whose tasks are skipped. */
  readonly exceptCallers: readonly string[]
  /**
   * Returns when the next submit may leave; null: now. At least the latest submits of a window are given. May be called
   * several times, as may `attempt`.
   */
  waitUntil(seen: { readonly recent: readonly RecentCall[]; readonly pause: PauseState }): number | null
  /** The step of the task that was picked. Null: one of its inputs has to be copied first. */
  attempt(
    task: TaskIn<'queued'>,
    copies: CopiedInputs,
  ): { readonly to: TaskIn<'submitting'>; readonly step: Step } | null
}

/** A submit, or a call that counts like one. */
export type RecentCall = Pick<RecentSubmit, 'endedMono'>

/** The links to the copies of uploaded inputs at the upstream. Null for an input without a copy. */
export interface CopiedInputs {
  readonly video: string | null
  readonly audio: string | null
}

export type Claim =
  | { readonly kind: 'claimed'; readonly from: TaskIn<'queued'>; readonly task: TaskIn<'submitting'> }
  | { readonly kind: 'waits'; readonly until: number }
  /** The submit of this task may leave once its inputs are copied. */
  | { readonly kind: 'unprepared'; readonly task: TaskIn<'queued'> }
  /** No task may be submitted. */
  | { readonly kind: 'empty' }

/** Why the submit queue is paused, and what led to it. Times are monotonic milliseconds. */
export interface PauseState {
  readonly pause: {
    readonly kind: UpstreamErrorKind
    readonly reason: string
    readonly untilMono: number
    /** From when on an answered check ends the pause. */
    readonly endsByCheckMono: number
  } | null
  /** Consecutive submits that failed for a reason that does not lie in their inputs. */
  readonly failures: number
  /** Consecutive submits whose answer was lost. */
  readonly lostAnswers: number
}

export interface PollQueue {
  /**
   * Takes tasks whose check is due, the longest overdue first, and returns them as they were. No other gateway on the
   * database gets them before the lease is over, or before their poll state is saved.
   */
  takeDue(query: DueQuery): Promise<Polled[]>
  /** The poll states of the tasks with these ids. Ids without a task are left out. */
  pollStates(ids: readonly string[]): Promise<ReadonlyMap<string, PollState>>
  /** When the next check is due; null when no task is checked. */
  nextDueMono(): Promise<number | null>
  /**
   * Saves the poll state of tasks that have not moved since, in one transaction. The one exception to the rule of
   * durability: a power cut may undo it.
   */
  savePollStates(states: readonly Polled[]): Promise<void>
}

export interface DueQuery {
  readonly nowMono: number
  /** The checks of all tasks that are taken have to end within it. */
  readonly leaseMs: number
  readonly limit: number
  /** The ids of tasks that are not taken. */
  readonly except?: readonly string[] | undefined
}

export interface Polled {
  readonly task: Task
  readonly poll: PollState
}

export interface UsageStore {
  /** The latest months, this one first; with several callers in a month ordered by caller. Months without tasks are left out. */
  usage(query: UsageQuery): Promise<MonthlyUsage[]>
}

export interface UsageQuery {
  /** Absent: all callers. */
  readonly caller?: string | undefined
  readonly months: number
}

/** What one caller used in one month (UTC), by the creation times of its tasks. */
export interface MonthlyUsage {
  readonly caller: string
  /** `2026-01` */
  readonly month: string
  readonly tasks: Readonly<Record<Status, number>>
  /** The length of all results whose length is known. */
  readonly durationMs: number
  /** What the results cost, in hundredths of a credit. */
  readonly spentCents: number
  readonly reservedCents: number
}

export interface GatewayState {
  /** Whether other gateways may be open on the database. */
  readonly isShared: boolean
  /**
   * Whether the database went back in time since the gateway last ran on it, as after restoring a backup. Its queued
   * tasks then have `lookupFirst`, because they may have been submitted since.
   */
  readonly restored: boolean
  /** The gateways that are open on the database, and those that were lost within the last day, the oldest first. */
  nodes(): Promise<GatewayNode[]>
  /** Rejects when nothing can be written. Writes at most once a second, however often it is called. */
  check(): Promise<void>
}

/** A gateway process on the database. */
export interface GatewayNode {
  readonly id: string
  readonly host: string
  readonly pid: number
  readonly version: string
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  /** Its latest sign of life, in monotonic milliseconds of the store's clock. */
  readonly seenMono: number
}
