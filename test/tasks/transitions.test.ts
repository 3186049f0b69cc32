import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../src/tasks/change-notifier.js'
import { createTransitions } from '../../src/tasks/transitions.js'
import { openTestStore } from '../support/database.js'
import { createManualClock } from '../support/manual-clock.js'
import { newTask } from '../support/store-contract.js'

test('a listener finds in the store what it is notified of, and hears of it once', async () => {
  const clock = createManualClock()
  await using opened = await openTestStore(':memory:', clock)
  const store = opened.tasks
  const notifier = createChangeNotifier()
  const transitions = createTransitions({ store, notifier, clock, log: pino({ level: 'silent' }) })
  const seen: Promise<[string, string | undefined]>[] = []
  notifier.onTransition('all', ({ id, stage }) =>
    seen.push(store.get(id).then(stored => [stage, stored?.stage] as [string, string | undefined])),
  )
  const failure = { code: 'CANCELED', message: 'canceled' } as const
  const task = await transitions.create(newTask(), { waitingTasks: null, monthlyCents: null })
  if ('refused' in task || task.stage !== 'queued') throw new Error('not created')
  await transitions.move(task, 'canceled', { completedAt: clock.now(), failure })
  expect(await Promise.all(seen)).toEqual([
    ['queued', 'queued'],
    ['canceled', 'canceled'],
  ])
  // It has moved since.
  expect(await transitions.move(task, 'canceled', { completedAt: clock.now(), failure })).toBeNull()
  expect(seen).toHaveLength(2)
})
