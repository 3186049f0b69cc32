import { Repeater } from '@repeaterjs/repeater'
import { giveWay } from '../../event-loop.js'
import type { ChangedTask, ChangeNotifier, Topic } from '../change-notifier.js'
import { isFinal } from '../task.js'
import type { LogQuery, TaskFilter, TaskLog, TaskReader, Transition } from '../task-store.js'
import { createSignal } from './signal.js'

/** What to follow, and from where. */
export interface FollowQuery {
  /** One task, until it is final; or the tasks of a caller, without an end. */
  readonly whose: { readonly taskId: string } | { readonly filter: TaskFilter & { readonly caller: string } }
  /** Selects the transitions to deliver, by the task. @default all */
  readonly matches?: (task: ChangedTask) => boolean
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
  const { whose, matches = () => true } = query
  const taskId = 'taskId' in whose ? whose.taskId : null
  // One object for all reads, by which they are recognised.
  const page: LogQuery = { ...whose, limit: PAGE }

  return new Repeater<Event, void, void>(async (push, stop) => {
    const signal = createSignal<Kind>()
    const unsubscribe = listen(notifier, { whose, matches }, signal.raise)
    let leaveQueue: (() => void) | null = null
    stopping.addEventListener('abort', signal.close)
    void stop.then(signal.close)
    let cursor = query.after

    /** Delivers the transitions after the cursor. Returns whether the follower is done. */
    async function deliver(): Promise<boolean> {
      for (let read = await readAfter(cursor); !signal.isClosed(); read = await readAfter(cursor)) {
        for (const transition of read) {
          await giveWay()
          if (signal.isClosed()) return true
          if (matches(transition.task)) await push(toEvent(transition))
          cursor = transition.task.seq
          if (taskId === null) continue
          if (isFinal(transition.task)) return true
          followQueue(transition.task.stage === 'queued')
        }
        if (read.length < PAGE) return false
      }
      return true
    }

    function readAfter(seq: number): Promise<Transition[]> {
      return transitionsAfter(seq, page)
    }

    /** Listens to the moves of the queue only while the task is in it. */
    function followQueue(isQueued: boolean): void {
      if (isQueued) leaveQueue ??= notifier.onRefresh(null, () => signal.raise('queue refresh'))
      else {
        leaveQueue?.()
        leaveQueue = null
      }
    }

    /** Delivers the latest transition again, for its live values, unless there is a later one to be delivered. */
    async function deliverAgain(id: string, kinds: ReadonlySet<Kind>): Promise<void> {
      if (!kinds.has('refresh') && !kinds.has('queue refresh')) return
      const task = await store.get(id)
      if (task?.seq !== cursor || (task.stage !== 'queued' && !kinds.has('refresh'))) return
      const [latest] = await readAfter(cursor - 1)
      if (latest?.task.seq === cursor && matches(latest.task)) await push(toEvent(latest))
    }

    // Its stage is not known yet when it has no transition after the cursor.
    followQueue(taskId !== null)
    signal.raise('transition')
    try {
      for (let kinds = await signal.wait(); kinds; kinds = await signal.wait()) {
        const before = cursor
        if (kinds.has('transition') && (await deliver())) return
        if (taskId !== null && cursor === before) await deliverAgain(taskId, kinds)
      }
    } finally {
      unsubscribe()
      followQueue(false)
      stopping.removeEventListener('abort', signal.close)
      stop()
    }
  })
}

function listen(
  notifier: ChangeNotifier,
  { whose, matches }: Required<Pick<FollowQuery, 'whose' | 'matches'>>,
  raise: (kind: Kind) => void,
): () => void {
  const onTransition = (task: ChangedTask) => {
    if (matches(task)) raise('transition')
  }
  const subscriptions = topicsOf(whose).map(topic => notifier.onTransition(topic, onTransition))
  if ('taskId' in whose) subscriptions.push(notifier.onRefresh(whose.taskId, () => raise('refresh')))
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
  }
}

/** The topics of all transitions that a follower may deliver, and of as few others as possible. */
function topicsOf(whose: FollowQuery['whose']): Topic[] {
  if ('taskId' in whose) return [whose]
  const { caller, ids, reference } = whose.filter
  return ids ? [...new Set(ids)].map(taskId => ({ taskId })) : [{ caller, reference }]
}
