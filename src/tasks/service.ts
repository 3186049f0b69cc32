import { uuidv7 } from 'uuidv7'
import type { Clock } from '../clock.js'
import { badInput, GatewayError } from '../errors.js'
import { follow } from './follow.js'
import type { Hints } from './hints.js'
import { type CreateInput, parseCreateInput, parseCursor } from './input.js'
import type { Journal } from './journal.js'
import type { TaskStore } from './ports.js'
import type { Status, Task } from './task.js'

/** What a platform does with tasks, without GraphQL in between. Every method may throw a `GatewayError`. */
export interface TaskService {
  /** Accepts a task: once this resolves, it is on the disk and will be driven to its end. */
  create(input: CreateInput): Promise<Task>
  /** The task as it is now; null when there is none with this id. */
  get(id: string): Promise<Task | null>
  /** Tasks, newest first unless asked otherwise. */
  list(query?: ListQuery): Promise<Task[]>
  /**
   * Without `after`: the task as it is now, then each transition. With `after`, a `cursor` once seen: every transition
   * after it, in order, each with the task as it was then. Ends after the final transition; without `id` (all tasks) it
   * does not end. Leave with `break` or `return()`.
   */
  follow(query?: { id?: string | undefined; after?: string | undefined }): Promise<AsyncIterableIterator<Task>>
}

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

export interface ServiceParts {
  store: TaskStore
  journal: Journal
  hints: Hints
  clock: Clock
  /** The public form of a link: absolute, for files that the gateway itself serves. */
  publicLink(url: string): string
  /** Ends all followers. */
  stopping: AbortSignal
}

const LONGEST_LIST = 101

export const createTaskService = (parts: ServiceParts): TaskService => {
  const { store, journal, hints, clock, publicLink, stopping } = parts

  const show = (task: Task): Task => {
    if (task.stage !== 'success') return task
    const { resultUrl, coverUrl, durationMs } = task.result
    const result = { resultUrl: publicLink(resultUrl), coverUrl: coverUrl && publicLink(coverUrl), durationMs }
    return { ...task, result }
  }

  return {
    async create(input) {
      const inputs = parseCreateInput(input)
      return journal.create({ id: uuidv7(), stage: 'queued', createdAt: clock.now(), ...inputs })
    },

    async get(id) {
      const task = await store.get(id)
      return task && show(task)
    },

    async list({ status, limit = 20, ...range } = {}) {
      const page = await store.page({ statuses: status, limit: Math.min(limit, LONGEST_LIST), ...range })
      return page.map(show)
    },

    async follow({ id, after } = {}) {
      const task = id === undefined ? null : await store.get(id)
      if (id !== undefined && !task) throw new GatewayError('NOT_FOUND', 'There is no task with this id.')
      const end = await store.lastSeq()
      const cursor = after === undefined ? (task ? task.seq - 1 : end) : parseCursor(after)
      if (cursor > end) throw badInput('after', 'after is beyond the end of the log')
      return follow({ store, hints, show }, { id, cursor }, stopping)
    },
  }
}
