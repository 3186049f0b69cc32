import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { shareEvents } from '../../../src/tasks/service/shared-events.js'
import type { Transition } from '../../../src/tasks/task-store.js'
import { newTask } from '../../support/store-contract.js'

/** Each event is an object of its own, unless it is shared. */
function startSharing() {
  const notifier = createChangeNotifier()
  return { notifier, toEvent: shareEvents(({ task }) => ({ seq: task.seq }), notifier) }
}

function transition(seq: number): Transition {
  return { task: { ...newTask(), lookupFirst: false, seq }, at: seq, reason: null }
}

/** Repeats a synchronous attempt that the age of a shared event could spoil on a slow machine. */
function retried<T>(attempt: () => T, isGood: (result: T) => boolean): T {
  for (let count = 0; count < 20; count++) {
    const result = attempt()
    if (isGood(result)) return result
  }
  return attempt()
}

test('followers that deliver a transition at the same time get the same event', () => {
  const { toEvent } = startSharing()
  const step = transition(1)
  const events = retried(
    () => [toEvent(step), toEvent(step)],
    ([first, second]) => first === second,
  )
  expect(events[0]).toBe(events[1])
})

test('new live values of a task make a new event', () => {
  const { toEvent, notifier } = startSharing()
  const step = transition(1)
  const before = toEvent(step)
  notifier.refreshed(step.task.id)
  expect(toEvent(step)).not.toBe(before)
})

test('a move of the queue makes a new event', () => {
  const { toEvent, notifier } = startSharing()
  const step = transition(1)
  const before = toEvent(step)
  notifier.refreshed(null)
  expect(toEvent(step)).not.toBe(before)
})

test('a later state of a task makes a new event, and leaves those of other tasks', () => {
  const { toEvent, notifier } = startSharing()
  const [mine, other] = [transition(1), transition(2)]
  const isLeft = () => {
    const [before, beforeOther] = [toEvent(mine), toEvent(other)]
    notifier.transitioned(mine.task, null)
    expect(toEvent(mine)).not.toBe(before)
    return toEvent(other) === beforeOther
  }
  expect(retried(isLeft, Boolean)).toBe(true)
})
