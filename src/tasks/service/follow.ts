import { Repeater } from '@repeaterjs/repeater'
import { giveWay } from '../../event-loop.js'
import type { ChangeNotifier } from '../change-notifier.js'
import { isFinal, type Task } from '../task.js'
import type { TaskFilter, TaskLog, TaskReader, Transition } from '../task-store.js'
import { createSignal } from './signal.js'

/** What to follow, and from where. */
export interface FollowQuery {
  /** One task, until it is final; or the tasks of a caller, without an end. */
  readonly whose: { readonly taskId: string } | { readonly filter: TaskFilter & { readonly caller: string } }
  /** Selects the transitions to deliver, by the task. @default all */
  readonly matches?: (task: Task) => boolean
  /** Called after a final transition: whether no other follows. @default only that of a single task */
  readonly isOver?: () => Promise<boolean>
  /** The number of the last transition that is not delivered. */
  readonly after: number
}

export interface FollowParts<Event> {
  readonly store: Pick<TaskReader, 'get'>
  readonly transitionsAfter: TaskLog['transitionsAfter']
  readonly notifier: ChangeNotifier
  /** Renders a transition as followers receive it. */
  toEvent(transition: Transition): Event
  /** Ends all followers. */
  readonly stopping: AbortSignal
}

/** What wakes a follower: a transition, new live values of its task, or new queue positions. */
type Kind = 'transition' | 'refresh' | 'queue refresh'

/** The number of transitions in a read, and the most that are held in memory for a slow follower. */
const PAGE = 50

/**
 * A follower is a cursor over the log: it listens, reads what is after its cursor, delivers it, and waits for the next
 * notification. When only live values of a task changed (its queue position, its progress), its latest transition is
 * delivered again.
 *
 * Nothing queues up for a slow reader, because the next page is read only after the last one was consumed. A reader that
 * leaves ends the wait at once.
 */
export function follow<Event>(parts: FollowParts<Event>, query: FollowQuery): AsyncIterableIterator<Event> {
  const { store, transitionsAfter, notifier, toEvent, stopping } = parts
  const { whose, matches = () => true, isOver } = query
  const taskId = 'taskId' in whose ? whose.taskId : null

  return new Repeater<Event, void, void>(async (push, stop) => {
    const signal = createSignal<Kind>()
    const unsubscribe = listen(notifier, whose, signal.raise)
    stopping.addEventListener('abort', signal.close)
    void stop.then(signal.close)
    let cursor = query.after

    /** Delivers the transitions after the cursor. Returns whether the follower is done. */
    async function deliver(): Promise<boolean> {
      for (let page = await read(cursor); !signal.isClosed(); page = await read(cursor)) {
        for (const transition of page) {
          await giveWay()
          if (signal.isClosed()) return true
          if (matches(transition.task)) await push(toEvent(transition))
          cursor = transition.task.seq
          if (taskId !== null && isFinal(transition.task)) return true
          if (isOver && isFinal(transition.task) && (await isOver()) && (await read(cursor)).length === 0) return true
        }
        if (page.length < PAGE) return false
      }
      return true
    }

    function read(after: number): Promise<Transition[]> {
      return transitionsAfter(after, { ...whose, limit: PAGE })
    }

    /** Delivers the latest transition again, for its live values, unless there is a later one to be delivered. */
    async function deliverAgain(id: string, kinds: ReadonlySet<Kind>): Promise<void> {
      if (!kinds.has('refresh') && !kinds.has('queue refresh')) return
      const task = await store.get(id)
      if (task?.seq !== cursor || (task.stage !== 'queued' && !kinds.has('refresh'))) return
      const [latest] = await read(cursor - 1)
      if (latest?.task.seq === cursor && matches(latest.task)) await push(toEvent(latest))
    }

    signal.raise('transition')
    try {
      for (let kinds = await signal.wait(); kinds; kinds = await signal.wait()) {
        const before = cursor
        if (kinds.has('transition') && (await deliver())) return
        if (taskId !== null && cursor === before) await deliverAgain(taskId, kinds)
      }
    } finally {
      unsubscribe()
      stopping.removeEventListener('abort', signal.close)
      stop()
    }
  })
}

function listen(notifier: ChangeNotifier, whose: FollowQuery['whose'], raise: (kind: Kind) => void): () => void {
  const onTransition = () => raise('transition')
  const subscriptions =
    'taskId' in whose
      ? [
          notifier.onTransition(whose, onTransition),
          notifier.onRefresh(whose.taskId, () => raise('refresh')),
          notifier.onRefresh(null, () => raise('queue refresh')),
        ]
      : [notifier.onTransition({ caller: whose.filter.caller }, onTransition)]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}
