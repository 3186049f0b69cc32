import { type ChangedTask, type ChangeFeed, NO_CHANGE_FEED } from './change-feed.js'
import type { Stage } from './task.js'

export type { ChangedTask }

/**
 * Notifications that a task changed, in this gateway or in another one on the same database. Subscribers read the log for
 * what happened, so that a duplicated notification does no harm.
 *
 * The live values of a task, such as its queue position and progress, are not in the log, because they change all the
 * time. A change of these is a refresh.
 */
export interface ChangeNotifier {
  /** Reports a transition, after it was written. `from` is null for a new task. */
  transitioned(task: ChangedTask, from: Stage | null): void
  /** Calls `listener` after each transition of a topic. Returns a function that stops it. */
  onTransition(topic: Topic, listener: TransitionListener): () => void
  /** Reports that live values of a task changed; null: of all queued tasks. */
  refreshed(taskId: string | null): void
  /** Calls `listener` after each refresh of this task; null: of all queued tasks. Returns a function that stops it. */
  onRefresh(taskId: string | null, listener: () => void): () => void
  /**
   * Calls `listener` at each transition and refresh, before the listeners of the two, with the id of the task; null: all
   * queued tasks. Returns a function that stops it.
   */
  onChange(listener: (taskId: string | null) => void): () => void
  /** The number of transitions reported so far. A read of the log at a lower number may be outdated. */
  version(): number
  /** The number of listeners. */
  listeners(): number
}

/** The transitions to listen to: those of one task, of one caller's tasks, of those with a reference, or all. */
export type Topic =
  | 'all'
  | { readonly taskId: string }
  | { readonly caller: string; readonly reference?: string | undefined }
/** @param isRemote whether another gateway carried out the step */
export type TransitionListener = (task: ChangedTask, from: Stage | null, isRemote: boolean) => void

/** @param feed carries the changes to the other gateways, and theirs to this one. @default none */
export function createChangeNotifier(feed: ChangeFeed = NO_CHANGE_FEED): ChangeNotifier {
  const transitions = createTopics<Parameters<TransitionListener>>()
  const refreshes = createTopics<[]>()
  const changes = createTopics<[string | null]>()
  let version = 0

  const reportTransition: TransitionListener = (task, from, isRemote) => {
    // Before any listener is called, so that the order of the listeners does not matter to a reader of the log.
    version++
    changes.publish('all', task.id)
    const { id, caller, reference } = task
    const topics: Topic[] = ['all', { caller }, { taskId: id }]
    if (reference !== null) topics.push({ caller, reference })
    for (const topic of topics) transitions.publish(keyOf(topic), task, from, isRemote)
  }
  const reportRefresh = (taskId: string | null) => {
    changes.publish('all', taskId)
    refreshes.publish(refreshKeyOf(taskId))
  }

  feed.onRemoteChange(change => {
    if (change.kind === 'transition') reportTransition(change.task, change.from, true)
    else if (change.kind === 'refresh') reportRefresh(change.taskId)
  })

  return {
    transitioned(task, from) {
      feed.publish({ kind: 'transition', task, from })
      reportTransition(task, from, false)
    },
    onTransition: (topic, listener) => transitions.subscribe(keyOf(topic), listener),
    refreshed(taskId) {
      // The other gateways see by the transitions that their queue moved.
      if (taskId !== null) feed.publish({ kind: 'refresh', taskId })
      reportRefresh(taskId)
    },
    onRefresh: (taskId, listener) => refreshes.subscribe(refreshKeyOf(taskId), listener),
    onChange: listener => changes.subscribe('all', listener),
    version: () => version,
    listeners: () => transitions.size() + refreshes.size() + changes.size(),
  }
}

function keyOf(topic: Topic): string {
  if (topic === 'all') return 'all'
  if ('taskId' in topic) return `task ${topic.taskId}`
  const { caller, reference } = topic
  // As JSON, so that no topic of one caller is a topic of another.
  return JSON.stringify(reference === undefined ? [caller] : [caller, reference])
}

function refreshKeyOf(taskId: string | null): string {
  return taskId === null ? 'queue' : `task ${taskId}`
}

function createTopics<Args extends unknown[]>() {
  const topics = new Map<string, Set<(...args: Args) => void>>()
  return {
    publish(key: string, ...args: Args): void {
      for (const listener of topics.get(key) ?? []) listener(...args)
    },
    subscribe(key: string, listener: (...args: Args) => void): () => void {
      // A function of its own, so that the same listener can be subscribed twice.
      const own = (...args: Args) => listener(...args)
      const set = topics.get(key) ?? new Set()
      topics.set(key, set.add(own))
      return () => {
        set.delete(own)
        if (set.size === 0 && topics.get(key) === set) topics.delete(key)
      }
    },
    size: () => [...topics.values()].reduce((sum, set) => sum + set.size, 0),
  }
}
