import type { Clock } from '../../clock.js'
import { badInput, GatewayError } from '../../errors.js'
import { acquireAll, createSlots } from '../../slots.js'
import type { Caller } from '../caller.js'
import type { ChangeNotifier } from '../change-notifier.js'
import { type LiveState, mayBeGivenUp, NO_LIVE_STATE } from '../driver/live-state.js'
import { monthOf } from '../pricing.js'
import { isFinal, statusOf, type Task } from '../task.js'
import type { TaskFilter, TaskStore, Transition } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { coalesceReads } from './coalesced-reads.js'
import { parseCreateInput, parseDuration } from './create-input.js'
import { createRateLimit } from './create-rate.js'
import { parseCursor, toCursor } from './cursor.js'
import { follow, onIteratorEnd } from './follow.js'
import { canSee, ownTasks, quotaKeys, requireScope } from './permissions.js'
import { CHOICE_NAMES, choicesOf, createTaskCreator } from './task-creator.js'
import type { ListQuery, TaskConditions, TaskEvent, TaskService } from './task-service.js'
import { toCredits } from './task-view.js'
import { parseWatchRequest } from './watch-request.js'

export interface ServiceParts {
  store: TaskStore
  transitions: Transitions
  notifier: ChangeNotifier
  clock: Clock
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
  /** The price of an output, in hundredths of a credit. */
  priceOf(durationMs: number): number
  /** The length of an output for which the caller gave no expectation, in milliseconds. */
  estimateMs: number
  /** Returns the public form of a link: absolute, for files that the gateway itself serves. */
  publicLink(url: string): string
  /** Ends all followers. */
  stopping: AbortSignal
}

const DEFAULT_PAGE = 20
const DEFAULT_HISTORY = 100
const LARGEST_PAGE = 1_000
const MOST_IDS = 100
const MOST_MONTHS = 24

/** Creates the task service of each caller. */
export function createTaskServices(parts: ServiceParts): (caller: Caller) => TaskService {
  const { store, transitions, notifier, clock, priceOf, estimateMs, publicLink, stopping } = parts
  const { epoch } = store
  const followers = createSlots()
  const rate = createRateLimit(clock)
  const creator = createTaskCreator({ store, transitions, clock, rate })
  const followParts = { store, notifier, stopping, toEvent, transitionsAfter: coalesceReads(store, notifier) }

  function show(task: Task): Task {
    if (task.stage !== 'success') return task
    const { resultUrl, coverUrl } = task.result
    const links = { resultUrl: publicLink(resultUrl), coverUrl: coverUrl && publicLink(coverUrl) }
    return { ...task, result: { ...task.result, ...links } }
  }

  function toEvent({ task, at, reason }: Transition): TaskEvent {
    return { cursor: toCursor(epoch, task.seq), at, reason, task: show(task) }
  }

  async function page(whose: TaskFilter, { limit = DEFAULT_PAGE, ...query }: ListQuery): Promise<Task[]> {
    const filter = narrow(whose, query)
    if (!filter) return []
    const tasks = await store.page({ ...query, ...filter, limit: checkRange('limit', limit, 1, LARGEST_PAGE) })
    return tasks.map(show)
  }

  function position(after: string, end: number): number {
    return parseCursor(after, epoch, end)
  }

  return caller => {
    async function find(id: string): Promise<Task | null> {
      const task = await store.get(id)
      return task && canSee(caller, task) ? task : null
    }

    async function known(id: string): Promise<Task> {
      const task = await find(id)
      if (!task) throw notFound()
      return task
    }

    /** Holds a subscription of the caller while the iterator is read. `start` may throw. */
    async function counted(start: () => Promise<AsyncIterableIterator<TaskEvent>>) {
      const quotas = quotaKeys(caller, 'subscriptions')
      const release = acquireAll(followers, quotas)
      if (!release) throw tooManySubscriptions(caller)
      try {
        return onIteratorEnd(await start(), release)
      } catch (thrown) {
        release()
        throw thrown
      }
    }

    return {
      async create(input) {
        requireScope(caller, 'create')
        const { expectedDurationSeconds, idempotencyKey, ...choices } = parseCreateInput(input)
        const expectedMs = expectedDurationSeconds === null ? estimateMs : expectedDurationSeconds * 1_000
        // Never nothing where outputs cost something, or a used-up budget would let it through.
        const reservedCents = priceOf(Math.max(expectedMs, 1))
        const task = await creator.create(caller, { ...choices, idempotencyKey, retryOf: null, reservedCents })
        const field = CHOICE_NAMES.find(name => task[name] !== choices[name])
        if (field)
          throw new GatewayError('IDEMPOTENCY_MISMATCH', `The idempotencyKey was used with another ${field}.`, {
            field,
          })
        return show(task)
      },

      async get(id) {
        requireScope(caller, 'read')
        const task = await find(id)
        return task && show(task)
      },

      async getMany(ids) {
        requireScope(caller, 'read')
        if (ids.length > MOST_IDS) throw badInput('ids', `ids has more than ${MOST_IDS} ids.`)
        const tasks = await store.getMany(ids)
        return new Map([...tasks].flatMap(([id, task]) => (canSee(caller, task) ? [[id, show(task)]] : [])))
      },

      async list(query = {}) {
        requireScope(caller, 'read')
        return page(ownTasks(caller), query)
      },

      async listAll({ caller: only, ...query } = {}) {
        requireScope(caller, 'admin')
        return page({ caller: only }, query)
      },

      async cursor() {
        requireScope(caller, 'read')
        return toCursor(epoch, await store.lastSeq())
      },

      cursorOf: task => toCursor(epoch, task.seq),

      async follow(id, { after } = {}) {
        requireScope(caller, 'read')
        return counted(async () => {
          const task = await known(id)
          const before = task.seq - 1
          const from = after === undefined ? before : position(after, await store.lastSeq())
          return follow(followParts, { whose: { taskId: id }, after: isFinal(task) ? Math.min(from, before) : from })
        })
      },

      async followAll({ filter = {}, after } = {}) {
        requireScope(caller, 'read')
        return counted(async () => {
          const end = await store.lastSeq()
          const from = after === undefined ? end : position(after, end)
          const narrowed = narrow(ownTasks(caller), filter)
          const whose = { filter: { ...ownTasks(caller), ...narrowed, caller: caller.id } }
          const matches = (task: Task) => narrowed !== null && satisfies(task, filter)
          return follow(followParts, { whose, matches, after: from })
        })
      },

      liveStates: parts.liveStates,

      async history(id, { after, limit = DEFAULT_HISTORY } = {}) {
        requireScope(caller, 'read')
        await known(id)
        const from = after === undefined ? 0 : position(after, await store.lastSeq())
        const query = { taskId: id, limit: checkRange('limit', limit, 1, LARGEST_PAGE) }
        return (await store.transitionsAfter(from, query)).map(toEvent)
      },

      async cancel(id) {
        requireScope(caller, 'create')
        const task = await known(id)
        if (task.stage === 'canceled') return task
        const failure = { code: 'CANCELED', message: 'Canceled by the caller before it was submitted.' } as const
        const completed = { completedAt: clock.now(), failure }
        const canceled = task.stage === 'queued' && (await transitions.move(task, 'canceled', completed))
        if (canceled) return canceled
        throw invalidState(await known(id), 'only a queued task can be canceled, because it is not paid for yet')
      },

      async retry(id) {
        requireScope(caller, 'create')
        const task = await known(id)
        if (task.caller !== caller.id)
          throw invalidState(task, 'only its own caller can retry it, because the retry is paid for again')
        if (task.stage !== 'failed' && task.stage !== 'canceled')
          throw invalidState(task, 'only a failed or canceled task can be retried')
        const { reservedCents } = task
        const order = { ...choicesOf(task), reservedCents, idempotencyKey: null, retryOf: id }
        return show(await creator.create(caller, order))
      },

      async resolve(id, action) {
        requireScope(caller, 'admin')
        const task = await known(id)
        const reason = `${action === 'RESUBMIT' ? 'submitted again' : 'given up'} by ${caller.id}`
        const resolved = action === 'RESUBMIT' ? await resubmit(task, reason) : await giveUp(task, reason)
        if (resolved) return resolved
        const allowed =
          action === 'RESUBMIT'
            ? 'only a task whose submit has no known answer (UNKNOWN) can be submitted again'
            : 'only a task in UNKNOWN, or one that stalled or has a problem, can be given up'
        throw invalidState(await known(id), allowed)
      },

      estimate(durationSeconds) {
        const durationMs = parseDuration(durationSeconds)
        return { durationMs, credits: toCredits(priceOf(durationMs)) }
      },

      async watchRestriction(request) {
        requireScope(caller, 'read')
        if (caller.restriction) throw forbiddenToWatchers()
        const restriction = parseWatchRequest(request)
        if ('reference' in restriction) return restriction
        const tasks = await store.getMany(restriction.taskIds)
        const unknown = restriction.taskIds.find(id => tasks.get(id)?.caller !== caller.id)
        if (unknown !== undefined) throw notFound({ id: unknown, field: 'taskIds' })
        return restriction
      },

      async usage(months) {
        requireScope(caller, 'read')
        if (caller.restriction) throw forbiddenToWatchers()
        return store.usage({ caller: caller.id, months: checkRange('months', months, 1, MOST_MONTHS) })
      },

      async usageOfAll(months) {
        requireScope(caller, 'admin')
        return store.usage({ months: checkRange('months', months, 1, MOST_MONTHS) })
      },

      async remaining() {
        const { waitingTasks, monthlyCredits } = caller.limits
        const quotas = quotaKeys(caller, 'subscriptions')
        return {
          createsPerMinute: rate.left(caller),
          waitingTasks: waitingTasks === null ? null : Math.max(0, waitingTasks - (await waitingTasksOf(caller))),
          subscriptions: smallest(quotas.map(({ key, limit }) => limit && Math.max(0, limit - followers.held(key)))),
          monthlyCredits:
            monthlyCredits === null
              ? null
              : Math.max(0, toCredits(Math.round(monthlyCredits * 100) - (await usedCents(caller)))),
        }
      },
    }
  }

  async function resubmit(task: Task, reason: string): Promise<Task | null> {
    if (task.stage !== 'unknown') return null
    const queued = { queuedAt: clock.now(), queuedMono: clock.monotonic() }
    return transitions.move(task, 'queued', queued, { reason })
  }

  async function giveUp(task: Task, reason: string): Promise<Task | null> {
    const completedAt = clock.now()
    if (task.stage === 'unknown') {
      const message = 'Whether the upstream accepted the job is not known.'
      return transitions.move(
        task,
        'failed',
        { completedAt, failure: { code: 'SUBMIT_UNRESOLVED', message } },
        { reason },
      )
    }
    if (task.stage !== 'submitted' && task.stage !== 'processing') return null
    const live = (await parts.liveStates([task])).get(task.id) ?? NO_LIVE_STATE
    if (!mayBeGivenUp(task, live)) return null
    const message = live.problem ?? 'The upstream did not finish the job in time.'
    return transitions.move(task, 'failed', { completedAt, failure: { code: 'GIVEN_UP', message } }, { reason })
  }

  async function waitingTasksOf({ id }: Caller): Promise<number> {
    return (await store.callerQueues()).find(queue => queue.caller === id)?.waiting ?? 0
  }

  async function usedCents({ id }: Caller): Promise<number> {
    const [latest] = await store.usage({ caller: id, months: 1 })
    return latest?.month === monthOf(clock.now()) ? latest.spentCents + latest.reservedCents : 0
  }
}

/** The part of the caller's tasks that the conditions leave; null: none. */
function narrow<Filter extends TaskFilter>(whose: Filter, { reference }: TaskConditions): Filter | null {
  if (reference === undefined) return whose
  return whose.reference === undefined || whose.reference === reference ? { ...whose, reference } : null
}

function satisfies(task: Task, filter: TaskConditions): boolean {
  const { statuses, stages, retryOf, createdAfter, createdBefore } = filter
  if (statuses && statuses.length > 0 && !statuses.includes(statusOf(task))) return false
  if (stages && stages.length > 0 && !stages.includes(task.stage)) return false
  if (retryOf !== undefined && task.retryOf !== retryOf) return false
  if (createdAfter !== undefined && task.createdAt < createdAfter) return false
  return createdBefore === undefined || task.createdAt < createdBefore
}

function checkRange(field: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw badInput(field, `${field} must be a whole number from ${least} to ${most.toLocaleString('en')}`)
}

function smallest(values: readonly (number | null)[]): number | null {
  const numbers = values.filter(value => value !== null)
  return numbers.length === 0 ? null : Math.min(...numbers)
}

function notFound(details: Record<string, unknown> = {}): GatewayError {
  return new GatewayError('NOT_FOUND', 'There is no task with this id.', { field: 'id', ...details })
}

function tooManySubscriptions({ limits }: Caller): GatewayError {
  const message = `The limit of ${limits.subscriptions} concurrent subscriptions is reached.`
  return new GatewayError('LIMIT_EXCEEDED', message, { limit: 'subscriptions' })
}

function forbiddenToWatchers(): GatewayError {
  return new GatewayError('FORBIDDEN', 'A watch token shows tasks only.')
}

function invalidState(task: Task, why: string): GatewayError {
  const { stage } = task
  return new GatewayError('INVALID_STATE', `The task is ${stage.toUpperCase()}: ${why}.`, { stage, field: 'id' })
}
