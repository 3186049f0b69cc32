import type { Clock } from '../../clock.js'
import { acquireAll, type Slots } from '../../slots.js'
import type { Caller } from '../caller.js'
import type { ChangeNotifier } from '../change-notifier.js'
import { isFinal, type Task } from '../task.js'
import type { TaskReader } from '../task-store.js'
import { checkRange } from './invalid-input.js'
import { quotaKeys, requireScope } from './permissions.js'
import { createSignal } from './signal.js'
import { findTask } from './task-access.js'
import { tooManySubscriptions } from './task-following.js'
import type { TaskPresenter } from './task-presenter.js'
import type { TaskService, WaitOptions } from './task-service.js'

export interface TaskWaitingParts {
  store: Pick<TaskReader, 'get'>
  presenter: Pick<TaskPresenter, 'show'>
  notifier: Pick<ChangeNotifier, 'onTransition'>
  clock: Pick<Clock, 'sleep'>
  /** The subscriptions of all callers. */
  subscriptions: Slots
  /** Ends all waits, so that requests get their responses before the gateway stops. */
  draining: AbortSignal
}

export type TaskWaiting = Pick<TaskService, 'wait'>

export const LONGEST_WAIT_SECONDS = 60

/** Waits for tasks within the caller's limit of subscriptions. */
export function taskWaiting(parts: TaskWaitingParts, caller: Caller): TaskWaiting {
  const { store, presenter } = parts
  return {
    async wait(id, options) {
      requireScope(caller, 'read')
      if (!(await findTask(store, caller, id))) return null
      const release = acquireWait(parts.subscriptions, caller, options)
      try {
        const task = await waitUntilFinal(parts, id, options)
        return task && presenter.show(task)
      } finally {
        release()
      }
    },
  }
}

/** Acquires the subscription that a wait counts as. Throws `BAD_USER_INPUT` or `LIMIT_EXCEEDED`. */
export function acquireWait(subscriptions: Slots, caller: Caller, { seconds }: WaitOptions): () => void {
  if (checkRange('waitSeconds', seconds, 0, LONGEST_WAIT_SECONDS) === 0) return () => {}
  const release = acquireAll(subscriptions, quotaKeys(caller, 'subscriptions'))
  if (!release) throw tooManySubscriptions(caller)
  return release
}

/**
 * Returns the task once it is final, or as it is when the time is up, the client leaves or the gateway stops. It listens
 * first and reads then, so that no change in between is missed.
 */
export async function waitUntilFinal(
  { store, notifier, clock, draining }: Omit<TaskWaitingParts, 'presenter' | 'subscriptions'>,
  id: string,
  { seconds, signal: leaving }: WaitOptions,
): Promise<Task | null> {
  const ended = new AbortController()
  const changes = createSignal<'transition'>()
  const unsubscribe = notifier.onTransition({ taskId: id }, () => changes.raise('transition'))
  const signals = [draining, ...(leaving ? [leaving] : [])]
  for (const signal of signals) {
    signal.addEventListener('abort', changes.close)
    if (signal.aborted) changes.close()
  }
  try {
    let task = await store.get(id)
    if (!task || isFinal(task) || seconds === 0) return task
    void clock.sleep(seconds * 1_000, ended.signal).then(changes.close)
    for (let woken = await changes.wait(); woken; woken = await changes.wait()) {
      task = await store.get(id)
      if (!task || isFinal(task)) return task
    }
    return await store.get(id)
  } finally {
    ended.abort()
    unsubscribe()
    for (const signal of signals) signal.removeEventListener('abort', changes.close)
  }
}
