import { uuidv7 } from 'uuidv7'
import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { LiveState } from '../driver/live-state.js'
import type { Inputs, Task } from '../task.js'
import type { Allowance, LimitReached, NewTask, SubmitQueue, TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import type { Choices, Origin } from './choices.js'
import { type CreateRate, tooManyCreates } from './create-rate.js'
import { toCredits } from './task-view.js'

/** What a new task consists of, besides its identity and its times. */
export type Order = Choices & Origin

export interface TaskCreatorParts {
  readonly store: Pick<TaskReader, 'earlier' | 'get'> & Pick<SubmitQueue, 'callerQueues'>
  readonly transitions: Transitions
  readonly clock: Clock
  readonly rate: CreateRate
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
}

export interface TaskCreator {
  /** Returns the new task, or the earlier one with the same idempotency key or of the same retry. */
  create(caller: Caller, order: Order): Promise<Task>
  /** Returns the tasks of a new batch, or of the earlier one with the same idempotency keys. */
  createBatch(caller: Caller, orders: readonly Order[]): Promise<Task[]>
  /** Counts a create as under way until it ends, from before its inputs are looked at. */
  track<T>(callerId: string, inputs: Inputs, create: Promise<T>): Promise<T>
  /** Resolves when no create of the caller with these inputs is under way any more. */
  settled(callerId: string, inputs: Inputs): Promise<void>
}

/** Queues new tasks: each idempotency key and each retry once, within the limits of the caller. */
export function createTaskCreator(parts: TaskCreatorParts): TaskCreator {
  const { store, transitions, clock, rate } = parts
  const named = new Map<string, Promise<Task>>()
  const underWay = new Map<string, Set<Promise<unknown>>>()

  async function queue(caller: Caller, order: Order): Promise<Task> {
    // The store checks this again when it writes. Here it keeps repeated creates out of the caller's rate.
    const earlier = await store.earlier({ caller: caller.id, ...order })
    if (earlier) return earlier
    rate.count(caller)
    const [now, queuedMono] = [clock.now(), clock.monotonic()]
    const identity = { id: uuidv7(), caller: caller.id, stage: 'queued' } as const
    const task: NewTask = { ...order, ...identity, createdAt: now, queuedAt: now, queuedMono }
    const created = await transitions.create(task, allowanceOf(caller))
    if ('refused' in created) throw await limitError(parts, created, caller)
    return created
  }

  function tracked<T>(callerId: string, inputs: Inputs, create: Promise<T>): Promise<T> {
    const key = keyOf(callerId, inputs)
    const creates = underWay.get(key) ?? new Set()
    underWay.set(key, creates.add(create))
    const done = () => {
      creates.delete(create)
      if (creates.size === 0 && underWay.get(key) === creates) underWay.delete(key)
    }
    create.then(done, done)
    return create
  }

  return {
    create(caller, order) {
      const name = order.retryOf ?? order.idempotencyKey
      if (name === null) return tracked(caller.id, order, queue(caller, order))
      // Concurrent repeats share one create, so that they count once against the caller's rate.
      const key = JSON.stringify([caller.id, order.retryOf === null, name])
      const shared = named.get(key) ?? tracked(caller.id, order, queue(caller, order)).finally(() => named.delete(key))
      named.set(key, shared)
      return shared
    },

    async createBatch(caller, orders) {
      const repeats = await Promise.all(orders.map(order => store.earlier({ caller: caller.id, ...order })))
      if (!repeats.some(Boolean)) rate.count(caller)
      const [now, queuedMono] = [clock.now(), clock.monotonic()]
      const batch = { id: uuidv7(), caller: caller.id, createdAt: now }
      const times = { createdAt: now, queuedAt: now, queuedMono }
      const tasks = orders.map(
        (order): NewTask => ({
          ...order,
          ...times,
          id: uuidv7(),
          caller: caller.id,
          stage: 'queued',
          batchId: batch.id,
        }),
      )
      const creating = transitions.createBatch(batch, tasks, allowanceOf(caller))
      const first = creating.then(created => (Array.isArray(created) && created[0]) || null)
      for (const order of orders) tracked(caller.id, order, first)
      const created = await creating
      if (Array.isArray(created)) return created
      if (created.refused !== 'taken') throw await limitError(parts, created, caller)
      throw new GatewayError('IDEMPOTENCY_MISMATCH', 'Idempotency keys of the batch belong to other tasks.', {
        field: 'tracks',
        problems: created.indexes.map(index => ({
          path: ['tracks', String(index), 'idempotencyKey'],
          message: `tracks.${index}.idempotencyKey was used for a task outside of this batch`,
        })),
      })
    },

    track: tracked,

    async settled(callerId, inputs) {
      await Promise.allSettled(underWay.get(keyOf(callerId, inputs)) ?? [])
    },
  }
}

function keyOf(callerId: string, { videoUrl, audioUrl, playbackType }: Inputs): string {
  return JSON.stringify([callerId, videoUrl, audioUrl, playbackType])
}

function allowanceOf({ limits }: Caller): Allowance {
  const { createsPerMinute, waitingTasks, monthlyCredits } = limits
  return {
    createsPerMinute,
    waitingTasks,
    monthlyCents: monthlyCredits === null ? null : Math.round(monthlyCredits * 100),
  }
}

async function limitError(
  parts: Pick<TaskCreatorParts, 'store' | 'clock' | 'liveStates'>,
  reached: LimitReached,
  { id, limits }: Caller,
): Promise<GatewayError> {
  if (reached.refused === 'createsPerMinute') return tooManyCreates(limits, Math.ceil(reached.retryAfterMs / 1_000))
  if (reached.refused === 'waitingTasks')
    return new GatewayError(
      'LIMIT_EXCEEDED',
      `The limit of ${limits.waitingTasks} queued tasks is reached; try again once some have been submitted.`,
      { limit: 'waitingTasks', retryAfter: await secondsUntilRoom(parts, id) },
    )
  const creditsLeft = toCredits(reached.leftCents)
  return new GatewayError(
    'BUDGET_EXCEEDED',
    `This task would exceed the monthly budget; ${creditsLeft} credits are left.`,
    { creditsLeft },
  )
}

/** When the upstream takes no tasks, nobody knows when it will again. */
const UNKNOWN_SECONDS = 60

/** Returns the seconds after which the caller's next task will probably have left the queue. */
async function secondsUntilRoom(
  { store, clock, liveStates }: Pick<TaskCreatorParts, 'store' | 'clock' | 'liveStates'>,
  callerId: string,
): Promise<number> {
  const first = (await store.callerQueues()).find(({ caller }) => caller === callerId)?.first
  const task = first && (await store.get(first))
  const startAt = task && (await liveStates([task])).get(task.id)?.estimatedStartAt
  return typeof startAt === 'number' ? Math.max(1, Math.ceil((startAt - clock.now()) / 1_000)) : UNKNOWN_SECONDS
}
