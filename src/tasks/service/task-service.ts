import type { LiveState } from '../driver/live-state.js'
import type { Status, Task } from '../task.js'
import type { MonthlyUsage, Transition } from '../task-store.js'
import type { CreateInput } from './create-input.js'

/**
 * What a caller does with its tasks, without GraphQL in between. Every method may throw a `GatewayError`; another
 * caller's task is as unknown as one that never was.
 */
export interface TaskService {
  /**
   * Accepts a task: once this resolves, it is on the disk and will be driven to its end. With the idempotency key of an
   * earlier task: that task, whatever its stage.
   */
  create(input: CreateInput): Promise<Task>
  /** The task as it is now; null when there is none with this id. */
  get(id: string): Promise<Task | null>
  /** Tasks, newest first unless asked otherwise. */
  list(query?: ListQuery): Promise<Task[]>
  /**
   * Without `after`: the task as it is now, then each transition. With `after`, a `cursor` once seen: every transition
   * after it, in order, each with the task as it was then. Ends after the final transition; without `id` (all tasks) it
   * does not end. Leave with `break` or `return()`. A state comes again with the same `seq` when only its liveState has
   * changed.
   */
  follow(query?: { id?: string | undefined; after?: string | undefined }): Promise<AsyncIterableIterator<Task>>
  /** Its place in the queue, how much of it is made, and whether it has stalled. */
  liveState(task: Task): Promise<LiveState>
  /** What happened to it and why, from its acceptance on; the first 5,000 steps. */
  history(id: string): Promise<Transition[]>
  /** Takes back a task that was not sent yet. */
  cancel(id: string): Promise<Task>
  /** A new task like one that failed; asked for again, the same new one. */
  retry(id: string): Promise<Task>
  /** A person's word on a submit whose answer is lost: send it again, or give it up. Needs the scope `admin`. */
  resolve(id: string, action: ResolveAction): Promise<Task>
  /** What was used in the latest months, this one first. */
  usage(months: number): Promise<MonthlyUsage[]>
}

export const RESOLVE_ACTIONS = ['RESUBMIT', 'FAIL'] as const
export type ResolveAction = (typeof RESOLVE_ACTIONS)[number]

export interface ListQuery {
  status?: readonly Status[] | undefined
  reference?: string | undefined
  /** Only tasks newer than the one with this id. */
  newerThan?: string | undefined
  /** Only tasks older than the one with this id. */
  olderThan?: string | undefined
  /** @default 20, at most 101 */
  limit?: number | undefined
  /** From the old end of that range instead of the new one. @default false */
  oldestFirst?: boolean | undefined
}
