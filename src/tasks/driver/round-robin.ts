import type { CallerQueue } from '../task-store.js'

/**
 * A fair lane: the callers who wait take turns, and each sends its own tasks in their order. The turn is with who had it
 * longest ago, so that one caller's five hundred tasks don't hold another's one.
 */
const inTurn = (lines: readonly CallerQueue[]): CallerQueue[] =>
  [...lines].sort((a, b) => a.turn - b.turn || (a.caller < b.caller ? -1 : 1))

/** The id of the task that leaves next; null when none may. */
export const nextTaskId = (lines: readonly CallerQueue[]): string | null =>
  inTurn(lines).find(line => line.first !== null)?.first ?? null

/** How many tasks of all callers leave before the one of `caller` that has `before` of its own in front of it. */
export const queuePosition = (lines: readonly CallerQueue[], caller: string, before: number): number => {
  const order = inTurn(lines)
  const own = order.findIndex(line => line.caller === caller)
  // In each full round every other caller sends one; in the last one only those whose turn comes first.
  const others = order.map((line, i) => (i === own ? 0 : Math.min(line.waiting, before + (i < own ? 1 : 0))))
  return others.reduce((sum, sent) => sum + sent, before)
}
