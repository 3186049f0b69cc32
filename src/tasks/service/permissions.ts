import { GatewayError } from '../../errors.js'
import type { Quota } from '../../slots.js'
import type { Caller, Scope } from '../caller.js'
import type { Task } from '../task.js'
import type { TaskFilter } from '../task-store.js'

/** Throws `FORBIDDEN` when the caller lacks the scope. `admin` includes `read`. */
export function requireScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.has(scope) || (scope === 'read' && scopes.has('admin'))) return
  throw new GatewayError('FORBIDDEN', `This requires the scope "${scope}".`, { scope })
}

/** Whether a caller may see a task: one of its own within its restriction, or any task with the scope `admin`. */
export function canSee({ id, scopes, restriction }: Caller, task: Task): boolean {
  if (task.caller !== id) return scopes.has('admin')
  if (restriction === null) return true
  if ('taskIds' in restriction) return restriction.taskIds.includes(task.id)
  return 'batchId' in restriction ? restriction.batchId === task.batchId : restriction.reference === task.reference
}

/** Returns the filter for the caller's own tasks, within its restriction. */
export function ownTasks({ id, restriction }: Caller): TaskFilter {
  if (restriction === null) return { caller: id }
  return 'taskIds' in restriction ? { caller: id, ids: restriction.taskIds } : { caller: id, ...restriction }
}

/** All watch tokens of a caller together may use this many times its limit. */
const WATCHERS = 5

/**
 * Returns the counters of a limit that a new socket or subscription counts against, all or none of them.
 *
 * Watch tokens are counted apart from the caller that minted them, so that browsers never lock its servers out: the
 * tokens for the same tasks together, and all tokens of the caller together, because references can be invented freely.
 */
export function quotaKeys({ id, limits, restriction }: Caller, kind: 'sockets' | 'subscriptions'): Quota[] {
  const limit = limits[kind]
  // As JSON, so that no counter of one caller is a counter of another.
  if (restriction === null) return [{ key: JSON.stringify([id]), limit }]
  return [
    { key: JSON.stringify([id, restriction]), limit },
    { key: JSON.stringify([id, 'watch tokens']), limit: limit === null ? null : limit * WATCHERS },
  ]
}
