import type { ChangedTask } from '../change-notifier.js'
import { statusOf } from '../task.js'
import type { TaskFilter } from '../task-store.js'
import type { TaskConditions } from './task-service.js'

/** Returns the filter with the reference of the conditions added; null when the two exclude each other. */
export function withReference<Filter extends TaskFilter>(filter: Filter, { reference }: TaskConditions): Filter | null {
  if (reference === undefined) return filter
  return filter.reference === undefined || filter.reference === reference ? { ...filter, reference } : null
}

/** Whether a task matches the conditions that are not part of a `TaskFilter`: all but the reference. */
export function matchesConditions(task: ChangedTask, conditions: TaskConditions): boolean {
  const { statuses, stages, retryOf, createdAfter, createdBefore } = conditions
  if (statuses && statuses.length > 0 && !statuses.includes(statusOf(task))) return false
  if (stages && stages.length > 0 && !stages.includes(task.stage)) return false
  if (retryOf !== undefined && task.retryOf !== retryOf) return false
  if (createdAfter !== undefined && task.createdAt < createdAfter) return false
  return createdBefore === undefined || task.createdAt < createdBefore
}
