import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from 'drizzle-kit/api'
import { afterAll, expect, test } from 'vitest'
import { Database, openDatabase } from '../../src/store/sqlite/database.js'
import * as tables from '../../src/store/sqlite/tables.js'
import { createSqliteStore } from '../../src/store/sqlite/task-store.js'
import { NOT_POLLED } from '../../src/tasks/poll-state.js'
import { describeStore, newTask, queue, submitted, submitting, succeeded } from '../support/store-contract.js'

const folder = mkdtempSync(join(tmpdir(), 'store-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const newFile = () => `file:${join(folder, `${files++}.db`)}`

describeStore('SQLite in memory', async () => createSqliteStore(openDatabase(':memory:')))
describeStore('SQLite in a file', async () => createSqliteStore(openDatabase(newFile())))

test('a commit waits for the disk', () => {
  const { sqlite } = openDatabase(newFile())
  expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(sqlite.pragma('synchronous', { simple: true })).toBe(2)
  sqlite.close()
})

test('opening twice applies the migrations once, and keeps what is there', async () => {
  const url = newFile()
  const first = createSqliteStore(openDatabase(url))
  const task = await queue(first)
  await first[Symbol.asyncDispose]()
  await using second = createSqliteStore(openDatabase(url))
  expect(await second.get(task.id)).toEqual(task)
})

test('the migrations lead to exactly the tables that the code has', async () => {
  const folder = new URL('../../drizzle/sqlite/meta/', import.meta.url)
  const latest = readdirSync(folder)
    .filter(name => name.endsWith('_snapshot.json'))
    .sort()
    .at(-1)
  const migrated = JSON.parse(readFileSync(new URL(latest!, folder), 'utf8'))
  const coded = await generateSQLiteDrizzleJson({ ...tables })
  expect(await generateSQLiteMigration(migrated, coded)).toEqual([])
})

test('no query of the daily life reads a table row by row or sorts it', async () => {
  const url = newFile()
  const queries = new Set<string>()
  await using store = createSqliteStore(openDatabase(url, sql => queries.add(sql)))
  const done = await succeeded(store, await queue(store), 'up-1')
  const sent = await submitted(store, await queue(store), 'up-2')
  await submitting(store, await queue(store))
  await store.get(done.id)
  const bounds = [{}, { newerThan: done.id }, { olderThan: done.id }, { newerThan: done.id, olderThan: sent.id }]
  const filters = [{}, { reference: 'r' }, { statuses: ['PENDING', 'FAILED'] as const }]
  for (const range of bounds)
    for (const filter of [...filters, { ...filters[1], ...filters[2] }])
      for (const oldestFirst of [true, false])
        await store.page({ caller: 'me', limit: 20, oldestFirst, ...range, ...filter })
  await store.watch(sent, NOT_POLLED)
  await store.due(9, 9)
  await store.nextDueAt()
  await store.callerQueues()
  await store.queuedBefore(done)
  await store.waitingSince(9, 9)
  await store.oldestQueuedAt()
  await store.counts()
  await store.usage('me', 9)
  await store.create(newTask({ idempotencyKey: 'k', retryOf: 'r' }), { waitingTasks: 9, monthlyCents: 9 })
  await store.submitting()
  await store.submitsSince(9)
  await store.owns('up-1')
  await store.transitionsAfter(0, { caller: 'me', restriction: null, limit: 9 })
  await store.transitionsAfter(0, { caller: 'me', restriction: { reference: 'r' }, limit: 9 })
  await store.transitionsAfter(0, { caller: 'me', restriction: { taskIds: [done.id] }, limit: 9 })
  await store.transitionsAfter(0, { taskId: done.id, limit: 9 })
  await store.lastSeq()

  const db = new Database(url.replace('file:', ''))
  const selects = [...queries].filter(sql => /^(select|update)/i.test(sql) && !sql.includes('__drizzle'))
  expect(selects.length).toBeGreaterThan(20)
  for (const sql of selects) {
    const values = Array.from({ length: sql.split('?').length - 1 }, () => 1)
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values)
    for (const { detail } of plan) {
      expect(`${detail} — ${sql}`).not.toContain('TEMP B-TREE')
      // Fine: a walk along an index or the log that stops at a limit, or along an index that holds unfinished tasks only.
      if (/^SCAN/.test(detail) && !/CONSTANT ROW/.test(detail))
        expect(`${detail} — ${sql}`).toMatch(
          /(USING .*INDEX|SCAN transitions).* limit \?|tasks_(unsettled|queued|waiting|due)/,
        )
    }
  }
  db.close()
})
