import { GatewayError } from '../../errors.js'
import type { Quota } from '../../slots.js'
import type { Caller, CallerLimits, Scope } from '../caller.js'
import type { Task } from '../task.js'
import type { TaskFilter } from '../task-store.js'

/** Throws `FORBIDDEN` when the caller lacks the scope. `admin` includes `read`. */
export function requireScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.has(scope) || (scope === 'read' && scopes.has('admin'))) return
  throw new GatewayError('FORBIDDEN', `This requires the scope "${scope}".`, { scope })
}

/** Whether a caller may see a task: one of its own that its restriction shows, or with the scope `admin` any. */
export function canSee({ id, scopes, restriction }: Caller, task: Task): boolean {
  if (task.caller !== id) return scopes.has('admin')
  if (restriction === null) return true
  return 'taskIds' in restriction ? restriction.taskIds.includes(task.id) : restriction.reference === task.reference
}

/** The caller's own tasks, as far as its restriction shows them. */
export function ownTasks({ id, restriction }: Caller): TaskFilter {
  if (restriction === null) return { caller: id }
  return 'taskIds' in restriction
    ? { caller: id, ids: restriction.taskIds }
    : { caller: id, reference: restriction.reference }
}

/** How many times its own limit all watch tokens of a caller may use together. */
const WATCHERS = 5

/**
 * The counters of a concurrency limit that one more socket or subscription has to be taken from, all or none.
 *
 * The bearers of watch tokens are counted apart from the caller that minted them, so that browsers never lock its
 * servers out: those that see the same tasks together, and all of the caller's together, because references can be
 * invented freely.
 */
export function quotaKeys({ id, limits, restriction }: Caller, kind: keyof CallerLimits): Quota[] {
  const limit = limits[kind]
  if (restriction === null) return [{ key: id, limit }]
  return [
    { key: `${id} ${JSON.stringify(restriction)}`, limit },
    { key: `${id} watchers`, limit: limit === null ? null : limit * WATCHERS },
  ]
}
