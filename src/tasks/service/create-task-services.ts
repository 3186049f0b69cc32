import { uuidv7 } from 'uuidv7'
import type { Clock } from '../../clock.js'
import { badInput, GatewayError } from '../../errors.js'
import { createSlots } from '../../slots.js'
import type { Caller } from '../caller.js'
import type { ChangeNotifier } from '../change-notifier.js'
import type { LiveState } from '../driver/live-state.js'
import { reserveFor } from '../pricing.js'
import type { Task } from '../task.js'
import type { Allowance, LimitReached, NewTask, TaskFilter, TaskStore } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { coalesceReads } from './coalesced-reads.js'
import { parseCreateInput, parseCursor } from './create-input.js'
import { follow } from './follow.js'
import { onIteratorEnd } from './on-iterator-end.js'
import { canSee, quotaKey, requireScope } from './permissions.js'
import type { TaskService } from './task-service.js'

export interface ServiceParts {
  store: TaskStore
  transitions: Transitions
  notifier: ChangeNotifier
  clock: Clock
  liveState(task: Task): Promise<LiveState>
  /** Throws `RATE_LIMITED` when the caller creates too fast. */
  admit(caller: Caller): Promise<void>
  /** How long an output is taken to be where the caller does not say, in milliseconds. */
  estimateMs: number
  /** The public form of a link: absolute, for files that the gateway itself serves. */
  publicLink(url: string): string
  /** Ends all followers. */
  stopping: AbortSignal
}

type Said = Omit<NewTask, 'id' | 'caller' | 'stage' | 'createdAt' | 'queuedAt' | 'queuedMono'>

const LONGEST_LIST = 101
const LONGEST_HISTORY = 5_000

/** Makes each caller's own view of the tasks. */
export const createTaskServices = (parts: ServiceParts): ((caller: Caller) => TaskService) => {
  const { store, transitions, notifier, clock, liveState, admit, estimateMs, publicLink, stopping } = parts
  const followers = createSlots()
  const log = { get: store.get, lastSeq: store.lastSeq, transitionsAfter: coalesceReads(store, notifier) }
  const entering = new Map<string, Promise<Task>>()

  const show = (task: Task): Task => {
    if (task.stage !== 'success') return task
    const { resultUrl, coverUrl } = task.result
    const links = { resultUrl: publicLink(resultUrl), coverUrl: coverUrl && publicLink(coverUrl) }
    return { ...task, result: { ...task.result, ...links } }
  }

  /** Counts a follower in; answers how to count it out. */
  const join = (caller: Caller) => {
    const { subscriptions } = caller.limits
    const leave = followers.acquire(quotaKey(caller), subscriptions)
    if (!leave) throw tooMany('subscriptions', `No more than ${subscriptions} subscriptions at a time.`)
    return leave
  }

  return caller => {
    const find = async (id: string): Promise<Task | null> => {
      const task = await store.get(id)
      return task && canSee(caller, task) ? task : null
    }

    const known = async (id: string): Promise<Task> => {
      const task = await find(id)
      if (!task) throw new GatewayError('NOT_FOUND', 'There is no task with this id.')
      return task
    }

    const enqueue = async (said: Said): Promise<Task> => {
      const earlier = await store.earlier({ caller: caller.id, ...said })
      if (earlier) return earlier
      await admit(caller)
      const now = clock.now()
      const times = { createdAt: now, queuedAt: now, queuedMono: clock.monotonic() }
      const task = { ...said, id: uuidv7(), caller: caller.id, stage: 'queued', ...times } as const
      const created = await transitions.create(task, allowanceOf(caller))
      return 'refused' in created ? decline(created) : created
    }

    /** Repeats that come together are one: they would be counted against the caller's rate else. */
    const enqueueOnce = (said: Said): Promise<Task> => {
      const name = said.retryOf ?? said.idempotencyKey
      if (name === null) return enqueue(said)
      const key = JSON.stringify([caller.id, said.retryOf === null, name])
      const running = entering.get(key) ?? enqueue(said).finally(() => entering.delete(key))
      entering.set(key, running)
      return running
    }

    return {
      async create(input) {
        requireScope(caller, 'create')
        const { expectedDurationSeconds, ...inputs } = parseCreateInput(input)
        const expectedMs = expectedDurationSeconds === null ? estimateMs : expectedDurationSeconds * 1_000
        const task = await enqueueOnce({ ...inputs, retryOf: null, reservedCents: reserveFor(expectedMs) })
        for (const field of ['videoUrl', 'audioUrl', 'playbackType', 'reference'] as const)
          if (task[field] !== inputs[field])
            throw new GatewayError('IDEMPOTENCY_MISMATCH', `This idempotencyKey was used with another ${field}.`, {
              field,
            })
        return show(task)
      },

      async get(id) {
        requireScope(caller, 'read')
        const task = await find(id)
        return task && show(task)
      },

      async list({ status, reference, limit = 20, ...range } = {}) {
        requireScope(caller, 'read')
        const { restriction: only } = caller
        if (only && 'reference' in only && reference !== undefined && reference !== only.reference) return []
        const shown = only && ('taskIds' in only ? { ids: only.taskIds, reference } : only)
        const whose = { caller: caller.id, statuses: status, reference, ...shown }
        const page = await store.page({ ...whose, limit: Math.min(limit, LONGEST_LIST), ...range })
        return page.map(show)
      },

      async follow({ id, after } = {}) {
        requireScope(caller, 'read')
        const leave = join(caller)
        try {
          const task = id === undefined ? null : await known(id)
          const end = await store.lastSeq()
          const cursor = after === undefined ? (task ? task.seq - 1 : end) : parseCursor(after)
          if (cursor > end) throw badInput('after', 'after is beyond the end of the log')
          const whose = id === undefined ? { filter: filterOf(caller) } : { taskId: id }
          return onIteratorEnd(follow({ store: log, notifier, show }, { whose, cursor }, stopping), leave)
        } catch (thrown) {
          leave()
          throw thrown
        }
      },

      liveState,

      async history(id) {
        requireScope(caller, 'read')
        await known(id)
        const steps = await store.transitionsAfter(0, { taskId: id, limit: LONGEST_HISTORY })
        return steps.map(step => ({ ...step, task: show(step.task) }))
      },

      async cancel(id) {
        requireScope(caller, 'create')
        const task = await known(id)
        if (task.stage === 'canceled') return task
        const completedAt = clock.now()
        const failure = { code: 'CANCELED', message: 'The caller took it back before it was sent.' } as const
        const canceled = task.stage === 'queued' && (await transitions.move(task, 'canceled', { completedAt, failure }))
        return canceled || refuse(await known(id), 'can be canceled only while it is queued: it may have been paid')
      },

      async retry(id) {
        requireScope(caller, 'create')
        const task = await known(id)
        if (task.caller !== caller.id) return refuse(task, "is another caller's: nobody else may pay for it again")
        if (task.stage !== 'failed' && task.stage !== 'canceled')
          return refuse(task, 'can be made again only after it failed')
        const { videoUrl, audioUrl, playbackType, reference, reservedCents } = task
        const inputs = { videoUrl, audioUrl, playbackType, reference, reservedCents }
        return show(await enqueueOnce({ ...inputs, idempotencyKey: null, retryOf: id }))
      },

      async resolve(id, action) {
        requireScope(caller, 'admin')
        const task = await known(id)
        const now = clock.now()
        const failure = { code: 'SUBMIT_UNRESOLVED', message: 'Whether the upstream took it is not known.' } as const
        const why = action === 'RESUBMIT' ? 'sent again' : 'given up'
        const reason = `${why} at the word of ${caller.id}`
        const resolved =
          task.stage === 'unknown' &&
          (action === 'RESUBMIT'
            ? await transitions.move(task, 'queued', { queuedAt: now, queuedMono: clock.monotonic() }, { reason })
            : await transitions.move(task, 'failed', { completedAt: now, failure }, { reason }))
        return resolved || refuse(await known(id), 'needs no resolving: the answer to its submit is not lost')
      },

      async usage(months) {
        requireScope(caller, 'read')
        if (caller.restriction) throw new GatewayError('FORBIDDEN', 'A watch token shows tasks, and not their account.')
        return store.usage({ caller: caller.id, months })
      },
    }
  }
}

const filterOf = ({ id, restriction }: Caller): TaskFilter => ({
  caller: id,
  ...(restriction && ('taskIds' in restriction ? { ids: restriction.taskIds } : restriction)),
})

const allowanceOf = ({ limits }: Caller): Allowance => ({
  waitingTasks: limits.waitingTasks,
  monthlyCents: limits.monthlyCredits === null ? null : Math.round(limits.monthlyCredits * 100),
})

const tooMany = (limit: string, message: string) => new GatewayError('LIMIT_EXCEEDED', message, { limit })

const decline = (refusal: LimitReached): never => {
  if (refusal.refused === 'waitingTasks')
    throw tooMany('waitingTasks', 'As many tasks wait as may; wait until some were sent.')
  const creditsLeft = refusal.leftCents / 100
  const message = `This would go beyond the budget of this month: ${creditsLeft} credits are left.`
  throw new GatewayError('BUDGET_EXCEEDED', message, { creditsLeft })
}

const refuse = (task: Task, why: string): never => {
  throw new GatewayError('INVALID_STATE', `The task is ${task.stage} and ${why}.`, { stage: task.stage.toUpperCase() })
}
