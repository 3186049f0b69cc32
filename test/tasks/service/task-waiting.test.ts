import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { waitUntilFinal } from '../../../src/tasks/service/task-waiting.js'
import { advance, type Task } from '../../../src/tasks/task.js'
import { createManualClock } from '../../support/manual-clock.js'
import { CANCELED, newTask } from '../../support/store-contract.js'

test('a change while the first read is under way is not missed', async () => {
  const notifier = createChangeNotifier()
  const queued = { ...newTask(), seq: 1, lookupFirst: false }
  let stored: Task = queued
  const store = {
    async get() {
      const read = stored
      if (stored.stage === 'queued') {
        stored = advance(queued, 'canceled', CANCELED)
        notifier.transitioned(stored, 'queued')
      }
      return read
    },
  }
  const draining = new AbortController().signal
  const seen = await waitUntilFinal({ store, notifier, clock: createManualClock(), draining }, queued.id, {
    seconds: 60,
  })
  expect(seen?.stage).toBe('canceled')
  expect(notifier.listeners()).toBe(0)
})
