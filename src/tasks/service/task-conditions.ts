import type { ChangedTask } from '../change-notifier.js'
import { statusOf } from '../task.js'
import type { TaskFilter } from '../task-store.js'
import type { TaskConditions } from './task-service.js'

/** Returns the filter with the reference and the batch of the conditions added; null when they exclude each other. */
export function withReference<Filter extends TaskFilter>(filter: Filter, conditions: TaskConditions): Filter | null {
  const { reference = filter.reference, batchId = filter.batchId } = conditions
  if (filter.reference !== undefined && filter.reference !== reference) return null
  if (filter.batchId !== undefined && filter.batchId !== batchId) return null
  return { ...filter, ...(reference !== undefined && { reference }), ...(batchId !== undefined && { batchId }) }
}

/** Whether a task matches the conditions that are not part of a `TaskFilter`: all but the reference and the batch. */
export function matchesConditions(task: ChangedTask, conditions: TaskConditions): boolean {
  const { statuses, stages, retryOf, createdAfter, createdBefore } = conditions
  if (statuses && statuses.length > 0 && !statuses.includes(statusOf(task))) return false
  if (stages && stages.length > 0 && !stages.includes(task.stage)) return false
  if (retryOf !== undefined && task.retryOf !== retryOf) return false
  if (createdAfter !== undefined && task.createdAt < createdAfter) return false
  return createdBefore === undefined || task.createdAt < createdBefore
}
