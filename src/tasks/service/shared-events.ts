import type { ChangeNotifier } from '../change-notifier.js'
import type { Transition } from '../task-store.js'

/** How old an event may be that another follower gets, and with it the live values that were read for it. */
const MAX_AGE_MS = 20

/**
 * Returns the same event object to all followers that deliver a transition at about the same time, so that what is
 * derived from the event is derived once for all of them.
 *
 * A later state of the task, or new live values of it, make a new event object. A follower that is slow gets one of its
 * own.
 */
export function shareEvents<Event>(
  toEvent: (transition: Transition) => Event,
  notifier: Pick<ChangeNotifier, 'onChange'>,
): (transition: Transition) => Event {
  /** By the id of the task and the number of the transition. */
  const events = new Map<string, Map<number, Event>>()
  let expiresAt = 0
  notifier.onChange(taskId => {
    if (taskId === null) events.clear()
    else events.delete(taskId)
  })

  return transition => {
    const now = performance.now()
    if (now >= expiresAt) {
      events.clear()
      expiresAt = now + MAX_AGE_MS
    }
    const { id, seq } = transition.task
    const ofTask = events.get(id) ?? new Map<number, Event>()
    events.set(id, ofTask)
    const event = ofTask.get(seq) ?? toEvent(transition)
    ofTask.set(seq, event)
    return event
  }
}
