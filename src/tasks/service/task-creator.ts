import { uuidv7 } from 'uuidv7'
import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { Task } from '../task.js'
import type { Allowance, LimitReached, NewTask, TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import type { Choices } from './choices.js'
import type { CreateRate } from './create-rate.js'
import { toCredits } from './task-view.js'

/** What a new task consists of, besides its identity and its times. */
export type Order = Choices & Pick<NewTask, 'idempotencyKey' | 'retryOf' | 'reservedCents'>

export interface TaskCreatorParts {
  readonly store: Pick<TaskReader, 'earlier'>
  readonly transitions: Transitions
  readonly clock: Clock
  readonly rate: CreateRate
}

export interface TaskCreator {
  /** Returns the new task, or the earlier one with the same idempotency key or of the same retry. */
  create(caller: Caller, order: Order): Promise<Task>
}

/** Queues new tasks: each idempotency key and each retry once, within the limits of the caller. */
export function createTaskCreator({ store, transitions, clock, rate }: TaskCreatorParts): TaskCreator {
  const running = new Map<string, Promise<Task>>()

  async function queue(caller: Caller, order: Order): Promise<Task> {
    // The store checks this again when it writes. Here it keeps repeated creates out of the caller's rate.
    const earlier = await store.earlier({ caller: caller.id, ...order })
    if (earlier) return earlier
    rate.count(caller)
    const [now, queuedMono] = [clock.now(), clock.monotonic()]
    const identity = { id: uuidv7(), caller: caller.id, stage: 'queued' } as const
    const task: NewTask = { ...order, ...identity, createdAt: now, queuedAt: now, queuedMono }
    const created = await transitions.create(task, allowanceOf(caller))
    if ('refused' in created) throw limitError(created, caller)
    return created
  }

  return {
    create(caller, order) {
      const name = order.retryOf ?? order.idempotencyKey
      if (name === null) return queue(caller, order)
      // Concurrent repeats share one create, so that they count once against the caller's rate.
      const key = JSON.stringify([caller.id, order.retryOf === null, name])
      const shared = running.get(key) ?? queue(caller, order).finally(() => running.delete(key))
      running.set(key, shared)
      return shared
    },
  }
}

function allowanceOf({ limits }: Caller): Allowance {
  const { waitingTasks, monthlyCredits } = limits
  return { waitingTasks, monthlyCents: monthlyCredits === null ? null : Math.round(monthlyCredits * 100) }
}

function limitError(reached: LimitReached, { limits }: Caller): GatewayError {
  if (reached.refused === 'waitingTasks')
    return new GatewayError(
      'LIMIT_EXCEEDED',
      `The limit of ${limits.waitingTasks} queued tasks is reached; try again once some have been submitted.`,
      { limit: 'waitingTasks' },
    )
  const creditsLeft = toCredits(reached.leftCents)
  return new GatewayError(
    'BUDGET_EXCEEDED',
    `This task would exceed the monthly budget; ${creditsLeft} credits are left.`,
    { creditsLeft },
  )
}
