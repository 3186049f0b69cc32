import { GatewayError } from '../../errors.js'
import type { Caller, Scope } from '../caller.js'
import type { Task } from '../task.js'

/** Throws `FORBIDDEN` where the caller's scopes don't reach. */
export const requireScope = (caller: Caller, scope: Scope): void => {
  if (!caller.scopes.has(scope)) throw new GatewayError('FORBIDDEN', `This needs the scope ${scope}.`, { scope })
}

/** Whether a caller may see a task: its own, as far as its token shows them; with the scope `admin` any, by its id. */
export const canSee = ({ id, scopes, restriction: only }: Caller, task: Task): boolean => {
  if (task.caller !== id) return scopes.has('admin')
  if (only === null) return true
  return 'taskIds' in only ? only.taskIds.includes(task.id) : only.reference === task.reference
}

/** Whose sockets and subscriptions are counted together: a caller's, or those of all who watch the same of its tasks. */
export const quotaKey = ({ id, restriction: only }: Caller): string => (only ? `${id} ${JSON.stringify(only)}` : id)
