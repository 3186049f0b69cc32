import type { CallerQueue } from '../task-store.js'

/**
 * Fairness between callers: the callers with queued tasks take turns, and each submits its own tasks in order. The next
 * turn is that of the caller whose last turn is the longest ago, so that the five hundred tasks of one caller do not hold
 * up the one of another.
 */
function inTurn(queues: readonly CallerQueue[]): CallerQueue[] {
  return [...queues].sort((a, b) => a.turn - b.turn || (a.caller < b.caller ? -1 : 1))
}

/** The id of the task that is submitted next; null when none may leave. The store finds the same one by its index. */
export function nextTaskId(queues: readonly CallerQueue[]): string | null {
  return inTurn(queues).find(queue => queue.first !== null)?.first ?? null
}

/** How many tasks of all callers leave before the task of `caller` that has `before` tasks of its own ahead of it. */
export function queuePosition(queues: readonly CallerQueue[], caller: string, before: number): number {
  const order = inTurn(queues)
  const own = order.findIndex(queue => queue.caller === caller)
  // In each full round every other caller submits one; in the last one only those whose turn comes first.
  const others = order.map((queue, i) => (i === own ? 0 : Math.min(queue.waiting, before + (i < own ? 1 : 0))))
  return others.reduce((sum, submitted) => sum + submitted, before)
}
