import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createTaskStore } from '../../src/store/create-task-store.js'
import type { SqliteConnection } from '../../src/store/sqlite/connection.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import { openGatewayState } from '../../src/store/sqlite/gateway-state.js'
import { createManualClock } from '../support/manual-clock.js'
import { CANCELED, newTask, queue, step, submitted, submitting, succeeded } from '../support/store-contract.js'

/** A store in memory, and every statement that was prepared on it. */
async function openObserved() {
  const statements = new Set<string>()
  const connection = openDatabase(':memory:')
  const prepare = connection.sqlite.prepare.bind(connection.sqlite)
  connection.sqlite.prepare = (sql: string) => {
    statements.add(sql)
    return prepare(sql)
  }
  const [systemClock, log] = [createManualClock(), pino({ level: 'silent' })]
  const state = await openGatewayState({ connection, path: null, systemClock, log, restored: false })
  const store = createTaskStore(connection, state, connection.close)
  return { connection, store, statements }
}

function planOf({ sqlite }: SqliteConnection, sql: string): string[] {
  const values = Array.from({ length: sql.split('?').length - 1 }, () => 1)
  const explain = sqlite.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
  const names = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, null])
  const rows = names.length > 0 ? explain.all(Object.fromEntries(names)) : explain.all(...values)
  return rows.map(({ detail }) => detail)
}

/** What a plan may walk: an index or the log up to a limit, or tables with a row for each stage or for each caller. */
const FINE =
  /^SCAN (CONSTANT ROW|json_each|asked|spans|counted|stage_counts( USING INDEX \w+)?|nodes( USING INDEX \w+)?|submit_queue|\(subquery-\d+\)|caller_queues USING (COVERING )?INDEX caller_queues_by_turn)/
const LIMITED = /^SCAN (transitions|asset_calls|\w+ USING (COVERING )?INDEX \w+)$/

test('no statement reads a table row by row or sorts it', async () => {
  const { connection, store, statements } = await openObserved()
  const done = await succeeded(store, await queue(store), 'up-1')
  const sent = await submitted(store, await queue(store), 'up-2')
  await submitting(store, await queue(store))
  await step(store, await queue(store), 'canceled', CANCELED)
  const ranges = [{}, { newerThan: done.id }, { olderThan: done.id }, { newerThan: done.id, olderThan: sent.id }]
  const times = [{}, { createdAfter: 1 }, { createdBefore: 9 }, { createdAfter: 1, createdBefore: 9 }]
  const filters = [
    {},
    { reference: 'r' },
    { statuses: ['PENDING', 'FAILED'] as const },
    { stages: ['queued'] as const },
  ]
  for (const whose of [{}, { caller: 'me' }])
    for (const filter of [...filters, { ...filters[1], ...filters[2] }, { retryOf: 'r' }])
      for (const bounds of [...ranges, ...times, { ...ranges[3], ...times[3] }])
        for (const oldestFirst of [true, false])
          await store.page({ ...whose, ...filter, ...bounds, oldestFirst, limit: 9 })
  await store.usage({ months: 9 })
  await store.usage({ caller: 'me', months: 9 })
  await store.create(newTask({ idempotencyKey: 'k', retryOf: 'r' }), {
    createsPerMinute: 9,
    waitingTasks: 9,
    monthlyCents: 9,
  })
  const checked = [...statements].filter(sql => /^\s*(select|update|delete|insert|with)/i.test(sql))
  expect(checked.length).toBeGreaterThan(100)
  for (const sql of checked) {
    for (const detail of planOf(connection, sql)) {
      const what = `${detail} — ${sql}`
      // The few tasks whose positions are asked for are sorted; nothing else is.
      if (!sql.includes('@ids')) expect(what).not.toContain('TEMP B-TREE')
      if (detail.startsWith('SCAN') && !FINE.test(detail) && !/limit [?@]/i.test(sql)) expect(what).toBe('no scan')
      if (detail.startsWith('SCAN') && !FINE.test(detail)) expect(detail).toMatch(LIMITED)
    }
  }
  await store[Symbol.asyncDispose]()
})

test('the look-up by inputs walks its own index', async () => {
  const { connection, store, statements } = await openObserved()
  const sql = [...statements].find(text => /where \("tasks"."caller" = \? and "tasks"."inputs_hash" = \?\)/.test(text))
  expect(planOf(connection, sql!)).toEqual(['SEARCH tasks USING INDEX tasks_by_inputs (caller=? AND inputs_hash=?)'])
  await store[Symbol.asyncDispose]()
})

test('every selection of the log walks an index of its own', async () => {
  const { connection, statements } = await openObserved()
  const plans = [...statements]
    .filter(sql => /from "transitions" inner join "tasks"/.test(sql))
    .map(sql => planOf(connection, sql).find(detail => detail.includes('transitions')))
  expect(plans.sort()).toEqual([
    'SEARCH transitions USING INDEX transitions_by_batch (batch_id=? AND seq>?)',
    'SEARCH transitions USING INDEX transitions_by_batch (batch_id=? AND seq>?)',
    'SEARCH transitions USING INDEX transitions_by_caller (caller=? AND seq>?)',
    'SEARCH transitions USING INDEX transitions_by_caller_and_reference (caller=? AND reference=? AND seq>?)',
    'SEARCH transitions USING INDEX transitions_by_reference (reference=? AND seq>?)',
    'SEARCH transitions USING INDEX transitions_by_task (task_id=? AND seq>?)',
    'SEARCH transitions USING INTEGER PRIMARY KEY (rowid>?)',
  ])
})
