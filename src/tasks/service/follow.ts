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
  /** Called after a final transition: whether none can follow. @default only that of a single task */
  readonly isOver?: () => Promise<boolean>
  /** The number of the last transition that is not delivered. */
  readonly after: number
  /** Called when the follower ends, is returned or fails, even before its first `next()`. May be called repeatedly. */
  readonly onEnd?: () => void
}

export interface FollowParts<Event> {
  readonly store: Pick<TaskReader, 'get'>
  readonly transitionsAfter: TaskLog['transitionsAfter']
  readonly notifier: ChangeNotifier
  /** Renders a transition as followers receive it. */
  toEvent(transition: Transition): Event
  /** Calls `listener` when all followers must end. Returns a function that stops it. */
  onStop(listener: () => void): () => void
}

/** What wakes a follower: a transition, new live values of its task, or new queue positions. */
type Kind = 'transition' | 'refresh' | 'queue refresh'

/** The number of transitions in a read, and the most that are held in memory for a slow follower. */
const PAGE = 50
const NOTHING: readonly Transition[] = []

/**
 * A follower is a cursor over the log: it listens, reads what is after its cursor, delivers it, and waits for the next
 * notification. When only live values of a task changed (its queue position, its progress), its latest transition is
 * delivered again.
 *
 * Nothing queues up for a slow reader, because the next page is read only after the last one was consumed. A reader that
 * leaves ends the wait at once.
 */
export function follow<Event>(parts: FollowParts<Event>, query: FollowQuery): AsyncIterableIterator<Event> {
  const { store, transitionsAfter, notifier, toEvent, onStop } = parts
  const { whose, matches = () => true, isOver, onEnd = () => {} } = query
  const taskId = 'taskId' in whose ? whose.taskId : null
  // One object for all reads, by which they are recognised.
  const page: LogQuery = { ...whose, limit: PAGE }

  const signal = createSignal<Kind>()
  let cursor = query.after
  /** What was read, by several followers perhaps, and how much of it this one has passed. */
  let unread = NOTHING
  let position = 0
  /** Whether the log may have more than was read. */
  let hasMore = true
  let isLast = false
  let unsubscribe: (() => void) | null = null
  let leaveQueue: (() => void) | null = null

  function start(): void {
    const unlisten = listen(notifier, { whose, matches }, signal.raise)
    const unstop = onStop(end)
    unsubscribe = () => {
      unlisten()
      unstop()
      followQueue(false)
    }
    // Its stage is not known yet when it has no transition after the cursor.
    followQueue(taskId !== null)
  }

  function end(): void {
    signal.close()
    unread = NOTHING
    unsubscribe?.()
    unsubscribe = null
    onEnd()
  }

  /** Listens to the moves of the queue only while the task is in it. */
  function followQueue(isQueued: boolean): void {
    if (isQueued) leaveQueue ??= notifier.onRefresh(null, () => signal.raise('queue refresh'))
    else {
      leaveQueue?.()
      leaveQueue = null
    }
  }

  /** Whether nothing follows the cursor, and nothing will. */
  async function isEnd(isOver: () => Promise<boolean>): Promise<boolean> {
    if (unread.length > position || !(await isOver())) return false
    return (await transitionsAfter(cursor, page)).length === 0
  }

  /** Returns the latest transition again, for its live values, unless there is a later one. */
  async function latestAgain(id: string, kinds: ReadonlySet<Kind>): Promise<Transition | null> {
    if (!kinds.has('refresh') && !kinds.has('queue refresh')) return null
    const task = await store.get(id)
    if (task?.seq !== cursor) return null
    followQueue(task.stage === 'queued')
    if (task.stage !== 'queued' && !kinds.has('refresh')) return null
    const [latest] = await transitionsAfter(cursor - 1, page)
    return latest?.task.seq === cursor ? latest : null
  }

  /** Moves the cursor to a transition. Returns whether the follower wants it. */
  function pass({ task }: Transition): boolean {
    cursor = task.seq
    isLast = taskId !== null && isFinal(task)
    if (taskId !== null) followQueue(task.stage === 'queued')
    return matches(task)
  }

  async function readOn(): Promise<Transition | null> {
    if (!unsubscribe && !signal.isClosed()) start()
    let woken: ReadonlySet<Kind> | null = null
    while (!signal.isClosed() && !isLast) {
      const transition = unread[position]
      if (transition) {
        const turn = giveWay()
        if (turn) await turn
        // The follower may have ended meanwhile.
        if (signal.isClosed()) break
        position++
        const isWanted = pass(transition)
        if (isOver && isFinal(transition.task)) isLast = await isEnd(isOver)
        if (isWanted) return transition
      } else if (hasMore) {
        unread = await transitionsAfter(cursor, page)
        position = 0
        hasMore = unread.length === PAGE
      } else if (woken && taskId !== null) {
        const latest = await latestAgain(taskId, woken)
        if (latest) return latest
        woken = null
      } else {
        unread = NOTHING
        woken = await signal.wait()
        hasMore = woken?.has('transition') ?? false
      }
    }
    return null
  }

  async function next(): Promise<IteratorResult<Event, void>> {
    try {
      const transition = await readOn()
      if (transition && !signal.isClosed()) return { value: toEvent(transition), done: false }
      end()
      return { value: undefined, done: true }
    } catch (thrown) {
      end()
      throw thrown
    } finally {
      if (--steps === 0) last = null
    }
  }

  /** The last of the steps that are under way: each begins when the one before it is over. */
  let last: Promise<unknown> | null = null
  let steps = 0
  return {
    next() {
      steps++
      const step = last ? last.then(next, next) : next()
      last = step
      return step
    },
    async return() {
      end()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
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
