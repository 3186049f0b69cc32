import type { Batch, BatchCounts } from '../batch.js'
import type { CallerLimits, TaskRestriction } from '../caller.js'
import type { LiveState } from '../driver/live-state.js'
import type { Inputs, Stage, Status, Task } from '../task.js'
import type { MonthlyUsage, Transition } from '../task-store.js'
import type { KeptUploads } from '../upload-store.js'
import type { CreateBatchInput } from './batch-input.js'
import type { CreateInput } from './create-input.js'
import type { UploadRequest, UploadTicket } from './upload-request.js'
import type { WatchRequest } from './watch-request.js'

/**
 * What a caller does with tasks, independent of a protocol. Every method may reject with a `GatewayError`; a task that
 * the caller may not see is treated like one that does not exist.
 */
export interface TaskService {
  /**
   * Accepts a task: once this resolves, the task is stored and will be driven to its end. With the idempotency key of an
   * earlier task, returns that task, whatever its stage. With `waitSeconds` it returns the task as `wait` does.
   */
  create(input: CreateInput, options?: CreateOptions): Promise<Task>
  /**
   * Accepts one video with many audio tracks: one task for each, all or none. With the idempotency keys of an earlier
   * batch, returns that batch.
   */
  createBatch(input: CreateBatchInput, options?: Pick<CreateOptions, 'platform'>): Promise<Batch>
  /** Returns the batch, or null when no batch has this id. */
  batch(id: string): Promise<Batch | null>
  /** Returns what became of the tasks of a batch that the caller was shown. */
  batchCounts(batch: Batch): Promise<BatchCounts>
  /** Cancels the tasks of a batch that are still queued. */
  cancelBatch(id: string): Promise<Batch>
  /**
   * Follows the tasks of a batch: every transition, from the first or after a cursor. Ends once all of them are final.
   */
  followBatch(id: string, query?: { readonly after?: string | undefined }): Promise<AsyncIterableIterator<TaskEvent>>
  /** Returns the task, or null when no task has this id. */
  get(id: string): Promise<Task | null>
  /**
   * Returns the task once it is final, or as it is when the time is up, the client leaves or the gateway shuts down; null
   * when no task has this id. Counts as a subscription of the caller.
   */
  wait(id: string, options: WaitOptions): Promise<Task | null>
  /**
   * Returns the task that the caller created last with these very inputs, whatever its stage; null when there certainly
   * is none. Waits for a create that is under way.
   */
  findByInputs(inputs: Inputs): Promise<Task | null>
  /** Returns the tasks with these ids, at most 100, as they are now. Unknown ids are left out. */
  getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Task>>
  /** Returns a page of the caller's tasks, newest first unless `oldestFirst` is set. */
  list(query?: ListQuery): Promise<Task[]>
  /** Returns a page of the tasks of all callers. Requires the scope `admin`. */
  listAll(query?: ListQuery & { readonly caller?: string | undefined }): Promise<Task[]>
  /** Returns the end of the log. A caller that then lists its tasks and follows from this cursor misses no change. */
  cursor(): Promise<string>
  /** Returns the cursor of a task's state: its position in the log. */
  cursorOf(task: Task): string
  /**
   * Follows one task. Without `after`: its current state, then each transition. With `after`, a cursor: every transition
   * after it, in order. Ends with the final transition, which is always delivered, even when the cursor is at or after
   * it. When only live values changed, the latest transition is delivered again, with the same cursor.
   */
  follow(id: string, query?: { readonly after?: string | undefined }): Promise<AsyncIterableIterator<TaskEvent>>
  /** Follows all of the caller's tasks that match, from now on or after a cursor. Does not end. */
  followAll(query?: FollowAllQuery): Promise<AsyncIterableIterator<TaskEvent>>
  /** Returns the live state of each task: queue position, estimate, progress, stall. */
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
  /** Returns the transitions of a task and their reasons, oldest first. */
  history(id: string, query?: HistoryQuery): Promise<TaskEvent[]>
  /** Cancels a task that is still queued. */
  cancel(id: string): Promise<Task>
  /** Creates a new task with the inputs of a failed one. Repeated, it returns the same new task. */
  retry(id: string): Promise<Task>
  /**
   * Decides about a task that the gateway cannot finish by itself. `RESUBMIT` submits a task in `unknown` again. `FAIL` gives up a
   * task in `unknown`, or one that stalled or whose status the gateway cannot read. Requires the scope `admin`.
   */
  resolve(id: string, action: ResolveAction): Promise<Task>
  /** Returns what an output of this length would cost. */
  estimate(durationSeconds: number): { readonly durationMs: number; readonly credits: number }
  /** Checks a request for a watch token and returns the restriction of that token. */
  watchRestriction(request: WatchRequest): Promise<TaskRestriction>
  /** Returns the caller's usage in the latest months with tasks, at most 24, the latest first. */
  usage(months: number): Promise<MonthlyUsage[]>
  /** Returns the usage of all callers. Requires the scope `admin`. */
  usageOfAll(months: number): Promise<MonthlyUsage[]>
  /** Returns a link to upload a file to, and the link that a create takes once the file is there. */
  createUpload(request: UploadRequest): Promise<UploadTicket>
  /** Returns how many uploaded files are kept for the caller. */
  uploads(): Promise<KeptUploads>
  /** Returns how much of its limits the caller has left; null: no limit. */
  remaining(): Promise<Readonly<Record<keyof CallerLimits, number | null>>>
}

export interface CreateOptions {
  /** The program that creates the task. */
  readonly platform?: string | null | undefined
  /** How long to wait for the final state, 0 to 60 seconds. @default 0 */
  readonly waitSeconds?: number | undefined
  /** Ends the wait: the client has left. */
  readonly signal?: AbortSignal | undefined
}

export interface WaitOptions {
  /** 0 to 60. */
  readonly seconds: number
  /** Ends the wait: the client has left. */
  readonly signal?: AbortSignal | undefined
}

/** A transition as followers receive it. */
export interface TaskEvent extends Transition {
  /** The position of the transition in the log. */
  readonly cursor: string
}

/** The decisions of `resolve`, and what each means. */
export const RESOLVE_MEANINGS = {
  RESUBMIT: 'Submit it again. If the upstream had accepted it, it is paid for twice.',
  FAIL: 'Give it up. If the upstream had accepted it, it was paid for and is not delivered.',
} as const satisfies Record<string, string>
export type ResolveAction = keyof typeof RESOLVE_MEANINGS

/** A filter of tasks: those that match every given condition. */
export interface TaskConditions {
  readonly statuses?: readonly Status[] | undefined
  readonly stages?: readonly Stage[] | undefined
  readonly reference?: string | undefined
  /** Only tasks of this batch. */
  readonly batchId?: string | undefined
  /** Only retries of the task with this id. */
  readonly retryOf?: string | undefined
  /** Created at this time or later, in milliseconds since the Unix epoch. */
  readonly createdAfter?: number | undefined
  /** Created before this time, in milliseconds since the Unix epoch. */
  readonly createdBefore?: number | undefined
}

export interface ListQuery extends TaskConditions {
  /** Only tasks after the one with this id. */
  readonly newerThan?: string | undefined
  /** Only tasks before the one with this id. */
  readonly olderThan?: string | undefined
  /** 1 to 1,000. @default 20 */
  readonly limit?: number | undefined
  /** Takes the page from the old end of the range. @default false */
  readonly oldestFirst?: boolean | undefined
}

export interface FollowAllQuery {
  /** Only transitions to states that match. @default all */
  readonly filter?: TaskConditions | undefined
  /** The cursor of the last transition that is not delivered. @default the end of the log */
  readonly after?: string | undefined
}

export interface HistoryQuery {
  /** The cursor of the last transition of the previous page. */
  readonly after?: string | undefined
  /** 1 to 1,000. @default 100 */
  readonly limit?: number | undefined
}
