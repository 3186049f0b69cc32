import { uuidv7 } from 'uuidv7'
import type { Clock } from '../clock.js'
import { badInput, GatewayError } from '../errors.js'
import { follow } from './follow.js'
import type { Hints } from './hints.js'
import { type CreateInput, parseCreateInput, parseCursor } from './input.js'
import type { Journal } from './journal.js'
import type { Outlook } from './outlook.js'
import type { TaskStore, Transition } from './ports.js'
import type { Status, Task, TaskIn } from './task.js'

/** What a platform does with tasks, without GraphQL in between. Every method may throw a `GatewayError`. */
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
   * does not end. Leave with `break` or `return()`. A state comes again with the same `seq` when only its outlook has
   * changed.
   */
  follow(query?: { id?: string | undefined; after?: string | undefined }): Promise<AsyncIterableIterator<Task>>
  /** Its place in the queue, how much of it is made, and whether it has stalled. */
  outlook(task: Task): Promise<Outlook>
  /** What happened to it and why, from its acceptance on; the first 5,000 steps. */
  history(id: string): Promise<Transition[]>
  /** Takes back a task that was not sent yet. */
  cancel(id: string): Promise<Task>
  /** A new task like one that failed; asked for again, the same new one. */
  retry(id: string): Promise<Task>
  /** A person's word on a submit whose answer is lost: send it again, or give it up. */
  resolve(id: string, action: ResolveAction): Promise<Task>
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

export interface ServiceParts {
  store: TaskStore
  journal: Journal
  hints: Hints
  clock: Clock
  outlook(task: Task): Promise<Outlook>
  /** The public form of a link: absolute, for files that the gateway itself serves. */
  publicLink(url: string): string
  /** Ends all followers. */
  stopping: AbortSignal
}

const LONGEST_LIST = 101
const LONGEST_HISTORY = 5_000

export const createTaskService = (parts: ServiceParts): TaskService => {
  const { store, journal, hints, clock, outlook, publicLink, stopping } = parts

  const show = (task: Task): Task => {
    if (task.stage !== 'success') return task
    const { resultUrl, coverUrl } = task.result
    const links = { resultUrl: publicLink(resultUrl), coverUrl: coverUrl && publicLink(coverUrl) }
    return { ...task, result: { ...task.result, ...links } }
  }

  const known = async (id: string): Promise<Task> => {
    const task = await store.get(id)
    if (!task) throw new GatewayError('NOT_FOUND', 'There is no task with this id.')
    return task
  }

  const enqueue = (inputs: Omit<TaskIn<'queued'>, 'id' | 'stage' | 'seq' | 'createdAt' | 'queuedAt'>) => {
    const now = clock.now()
    return journal.create({ ...inputs, id: uuidv7(), stage: 'queued', createdAt: now, queuedAt: now })
  }

  return {
    async create(input) {
      const inputs = parseCreateInput(input)
      const task = await enqueue({ ...inputs, retryOf: null })
      for (const field of ['videoUrl', 'audioUrl', 'playbackType', 'reference'] as const)
        if (task[field] !== inputs[field])
          throw new GatewayError('IDEMPOTENCY_MISMATCH', `This idempotencyKey was used with another ${field}.`, {
            field,
          })
      return show(task)
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
      const task = id === undefined ? null : await known(id)
      const end = await store.lastSeq()
      const cursor = after === undefined ? (task ? task.seq - 1 : end) : parseCursor(after)
      if (cursor > end) throw badInput('after', 'after is beyond the end of the log')
      return follow({ store, hints, show }, { id, cursor }, stopping)
    },

    outlook,

    async history(id) {
      return store.transitionsAfter(0, { taskId: id, limit: LONGEST_HISTORY })
    },

    async cancel(id) {
      const task = await known(id)
      if (task.stage === 'canceled') return task
      const completedAt = clock.now()
      const failure = { code: 'CANCELED', message: 'The caller took it back before it was sent.' } as const
      const canceled = task.stage === 'queued' && (await journal.move(task, 'canceled', { completedAt, failure }))
      return canceled || refuse(await known(id), 'can be canceled only while it is queued: it may have been paid')
    },

    async retry(id) {
      const task = await known(id)
      if (task.stage !== 'failed' && task.stage !== 'canceled')
        return refuse(task, 'can be made again only after it failed')
      const { videoUrl, audioUrl, playbackType, reference } = task
      return show(await enqueue({ videoUrl, audioUrl, playbackType, reference, idempotencyKey: null, retryOf: id }))
    },

    async resolve(id, action) {
      const task = await known(id)
      const now = clock.now()
      const failure = { code: 'SUBMIT_UNRESOLVED', message: 'Whether the upstream took it is not known.' } as const
      const resolved =
        task.stage === 'unknown' &&
        (action === 'RESUBMIT'
          ? await journal.move(task, 'queued', { queuedAt: now }, { reason: 'sent again at the word of a person' })
          : await journal.move(
              task,
              'failed',
              { completedAt: now, failure },
              { reason: 'given up at the word of a person' },
            ))
      return resolved || refuse(await known(id), 'needs no resolving: the answer to its submit is not lost')
    },
  }
}

const refuse = (task: Task, why: string): never => {
  throw new GatewayError('INVALID_STATE', `The task is ${task.stage} and ${why}.`, { stage: task.stage.toUpperCase() })
}
