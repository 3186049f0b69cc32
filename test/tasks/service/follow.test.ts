import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { follow } from '../../../src/tasks/service/follow.js'
import type { Transition } from '../../../src/tasks/task-store.js'
import { newTask } from '../../support/store-contract.js'

const END = 2_000

test('a long replay leaves timers and sockets their turn', async () => {
  const task = { ...newTask(), lookupFirst: false }
  const stopping = new AbortController()
  const events = follow(
    {
      store: { get: async () => null },
      // Resolves at once, as a read from memory does.
      transitionsAfter: async (after, { limit }) =>
        Array.from({ length: Math.min(limit, END - after) }, (_, index): Transition => {
          return { task: { ...task, seq: after + index + 1 }, at: 0, reason: null }
        }),
      notifier: createChangeNotifier(),
      toEvent: transition => transition.task.seq,
      stopping: stopping.signal,
    },
    { whose: { filter: { caller: task.caller } }, after: 0 },
  )
  const received: number[] = []
  let receivedAtTurn = Number.POSITIVE_INFINITY
  setImmediate(() => {
    receivedAtTurn = received.length
  })
  for await (const seq of events) {
    received.push(seq)
    if (seq === END) stopping.abort()
  }
  expect(received).toEqual(Array.from({ length: END }, (_, index) => index + 1))
  expect(receivedAtTurn).toBeLessThanOrEqual(50)
})
