/**
 * Wake-up calls inside this process: "look at the log, this task has moved". A hint carries no news, so that losing
 * one, or getting two for one, is harmless; the news is in the log.
 */
export interface Hints {
  tell(taskId: string): void
  /** Calls `wake` for one task's hints, or for all with null. Answers how to stop that. */
  on(taskId: string | null, wake: () => void): () => void
}

export const createHints = (): Hints => {
  const listeners = new Map<string | null, Set<() => void>>()
  return {
    tell(taskId) {
      for (const topic of [taskId, null]) for (const wake of listeners.get(topic) ?? []) wake()
    },
    on(topic, wake) {
      const own = () => wake()
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set.add(own))
      return () => {
        set.delete(own)
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic)
      }
    },
  }
}
