import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { Task } from '../task.js'
import type { TaskReader } from '../task-store.js'
import { canSee } from './permissions.js'

/** Returns the task; null when the caller may not see it or there is none. */
export async function findTask(store: Pick<TaskReader, 'get'>, caller: Caller, id: string): Promise<Task | null> {
  const task = await store.get(id)
  return task && canSee(caller, task) ? task : null
}

/** Returns the task. Throws `NOT_FOUND` when the caller may not see it or there is none. */
export async function requireTask(store: Pick<TaskReader, 'get'>, caller: Caller, id: string): Promise<Task> {
  const task = await findTask(store, caller, id)
  if (!task) throw notFound()
  return task
}

export function notFound(details: Readonly<Record<string, unknown>> = {}): GatewayError {
  return new GatewayError('NOT_FOUND', 'There is no task with this id.', { field: 'id', ...details })
}
