import { Repeater } from '@repeaterjs/repeater'
import type { ChangeNotifier } from '../change-notifier.js'
import { isFinal, type Task } from '../task.js'
import type { LogSelection, TaskStore } from '../task-store.js'

/** Whose transitions are followed, and from where. */
export interface FollowFrom {
  /** One task, until it is final; or all of a caller's, without end. */
  readonly whose: LogSelection
  /** The number of the last transition that need not be told. */
  readonly cursor: number
}

export interface FollowParts {
  readonly store: Pick<TaskStore, 'get' | 'lastSeq' | 'transitionsAfter'>
  readonly notifier: ChangeNotifier
  /** A task as followers see it. */
  show(task: Task): Task
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
  { store, notifier, show }: FollowParts,
  { whose, cursor }: FollowFrom,
  stopping: AbortSignal,
): AsyncIterableIterator<Task> =>
  new Repeater<Task, void, void>(async (push, stop) => {
    const id = 'taskId' in whose ? whose.taskId : undefined
    let last = cursor
    let left = stopping.aborted
    let changed = true
    /** Whether something changed that is not in the log: of this task, or of all that are queued. */
    let stirred: 'task' | 'queue' | null = null
    let wake = () => {}
    const hint = () => {
      changed = true
      wake()
    }
    const stir = (what: 'task' | 'queue') => () => {
      // What changed in the task itself is the more.
      if (stirred !== 'task') stirred = what
      wake()
    }
    const leave = () => {
      left = true
      wake()
    }
    const offs = [notifier.onTransition(id === undefined ? 'all' : { taskId: id }, hint)]
    if (id !== undefined) offs.push(notifier.onRefresh(id, stir('task')), notifier.onRefresh(null, stir('queue')))
    stopping.addEventListener('abort', leave)
    void stop.then(leave)
    try {
      const now = id === undefined ? null : await store.get(id)
      if (now && isFinal(now) && now.seq <= cursor) return
      while (!left) {
        if (!changed && !stirred) await new Promise<void>(resolve => (wake = resolve))
        const what = stirred
        stirred = null
        if (what && !changed && id !== undefined) {
          const task = await store.get(id)
          if (task?.seq === last && (what === 'task' || task.stage === 'queued')) await push(show(task))
          continue
        }
        changed = false
        let page: Task[]
        do {
          // What a watch token does not show is passed over for good, not at each look again.
          const end = 'filter' in whose && (whose.filter.ids || whose.filter.reference) ? await store.lastSeq() : 0
          page = (await store.transitionsAfter(last, { ...whose, limit: PAGE })).map(step => step.task)
          for (const task of page) {
            if (left) return
            await push(show(task))
            last = task.seq
            if (id !== undefined && isFinal(task)) return
          }
          if (page.length < PAGE) last = Math.max(last, end)
        } while (page.length === PAGE && !left)
      }
    } finally {
      for (const off of offs) off()
      stopping.removeEventListener('abort', leave)
      stop()
    }
  })
