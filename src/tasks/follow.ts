import { Repeater } from '@repeaterjs/repeater'
import type { Hints } from './hints.js'
import type { TaskStore } from './ports.js'
import { isFinal, type Task } from './task.js'

/** Where a follower stands. */
export interface FollowFrom {
  /** One task, until it is final; all tasks, without end, when left out. */
  readonly id?: string | undefined
  /** The number of the last transition that need not be told. */
  readonly cursor: number
}

/** How many transitions are read at a time: what a follower who is slow holds in memory at the most. */
const PAGE = 50

/**
 * A cursor over the log: listen for a hint, read what is after the cursor, hand it over, wait for the next hint.
 *
 * Nothing queues up for a slow follower, because the next page is read only when the last one was taken. Leaving while
 * nothing happens ends the wait at once.
 */
export const follow = (
  { store, hints, show }: { store: TaskStore; hints: Hints; show: (task: Task) => Task },
  { id, cursor }: FollowFrom,
  stopping: AbortSignal,
): AsyncIterableIterator<Task> =>
  new Repeater<Task, void, void>(async (push, stop) => {
    let last = cursor
    let left = stopping.aborted
    let changed = true
    let wake = () => {}
    const hint = () => {
      changed = true
      wake()
    }
    const leave = () => {
      left = true
      wake()
    }
    const off = hints.on(id ?? null, hint)
    stopping.addEventListener('abort', leave)
    void stop.then(leave)
    try {
      const now = id === undefined ? null : await store.get(id)
      if (now && isFinal(now) && now.seq <= cursor) return
      while (!left) {
        if (!changed) await new Promise<void>(resolve => (wake = resolve))
        changed = false
        let page: Task[]
        do {
          page = (await store.transitionsAfter(last, { taskId: id, limit: PAGE })).map(step => step.task)
          for (const task of page) {
            if (left) return
            await push(show(task))
            last = task.seq
            if (id !== undefined && isFinal(task)) return
          }
        } while (page.length === PAGE && !left)
      }
    } finally {
      off()
      stopping.removeEventListener('abort', leave)
      stop()
    }
  })
