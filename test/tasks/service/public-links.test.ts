import { pino } from 'pino'
import { expect, test } from 'vitest'
import { OPEN_CALLER } from '../../../src/tasks/caller.js'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { createTaskServices } from '../../../src/tasks/service/create-task-services.js'
import { createTransitions } from '../../../src/tasks/transitions.js'
import { openTestStore } from '../../support/database.js'
import { createManualClock } from '../../support/manual-clock.js'
import { newTask, queue, succeeded } from '../../support/store-contract.js'

test('links of the gateway are made public wherever a task leaves', async () => {
  await using store = (await openTestStore()).tasks
  const [notifier, clock, log] = [createChangeNotifier(), createManualClock(), pino({ level: 'silent' })]
  const tasks = createTaskServices({
    store,
    notifier,
    clock,
    transitions: createTransitions({ store, notifier, clock, log }),
    liveState: () => Promise.reject(new Error('nobody asks')),
    admit: async () => {},
    estimateMs: 1_000,
    publicLink: url => url.replace('https://x.example', 'https://public.example'),
    stopping: new AbortController().signal,
  })(OPEN_CALLER)
  const { id } = await succeeded(store, await queue(store, newTask({ caller: OPEN_CALLER.id })), 'up')

  const followed = await (await tasks.follow({ id })).next()
  const shown = [await tasks.get(id), (await tasks.list())[0], followed.value, (await tasks.history(id)).at(-1)?.task]
  for (const task of shown) expect(task).toMatchObject({ result: { resultUrl: 'https://public.example/a.mp4' } })
})
