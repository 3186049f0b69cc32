/**
 * Wake-up calls inside this process: "look at the log, this task has moved". A hint carries no news, so that losing
 * one, or getting two for one, is harmless; the news is in the log.
 *
 * Some of what a watcher canSee of a task is not in the log, because it changes all the time: its place in the queue, its
 * progress. For that there is a second kind of call, `stir`.
 */
export interface ChangeNotifier {
  /** This task has moved. */
  tell(taskId: string): void
  /** Calls `wake` for one task's moves, or for all with null. Answers how to stop that. */
  on(taskId: string | null, wake: () => void): () => void
  /** This task looks different, though it has not moved; with null, all queued ones do. */
  stir(taskId: string | null): void
  onRefresh(taskId: string | null, wake: () => void): () => void
  /** How many are to be called: a follower who left is none of them. */
  listeners(): number
}

export const createChangeNotifier = (): ChangeNotifier => {
  const moves = createTopics()
  const stirs = createTopics()
  return {
    tell(taskId) {
      moves.call(taskId)
      moves.call(null)
    },
    on: moves.on,
    stir: stirs.call,
    onRefresh: stirs.on,
    listeners: () => moves.size() + stirs.size(),
  }
}

const createTopics = () => {
  const listeners = new Map<string | null, Set<() => void>>()
  return {
    call(topic: string | null) {
      for (const wake of listeners.get(topic) ?? []) wake()
    },
    on(topic: string | null, wake: () => void) {
      const own = () => wake()
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set.add(own))
      return () => {
        set.delete(own)
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic)
      }
    },
    size: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
  }
}
