import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from 'drizzle-kit/api'
import { afterAll, expect, test } from 'vitest'
import { createTaskStore } from '../../src/store/create-task-store.js'
import { createConnection } from '../../src/store/sqlite/connection.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import { createFlusher } from '../../src/store/sqlite/flusher.js'
import * as tables from '../../src/store/sqlite/tables.js'
import type { StoreState } from '../../src/store/store-state.js'
import { openTestStore } from '../support/database.js'
import { describeStore, newTask, queue } from '../support/store-contract.js'

const folder = mkdtempSync(join(tmpdir(), 'store-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
function newFile() {
  return `file:${join(folder, `${files++}.db`)}`
}

describeStore('SQLite in memory', async () => (await openTestStore()).tasks)
describeStore('SQLite in a file', async () => (await openTestStore(newFile())).tasks)

test('a create, and every read that shows it, waits until it is on the disk', async () => {
  const opened = openDatabase(newFile())
  const flushes: (() => void)[] = []
  const flusher = createFlusher(() => new Promise(resolve => void flushes.push(resolve)))
  const connection = createConnection(opened.sqlite, 'the file', flusher)
  const state = { epoch: 'e', restored: false, check: async () => {}, submits: { add() {} } }
  const store = createTaskStore(connection, state as unknown as StoreState, opened.close)
  const task = { ...newTask(), idempotencyKey: 'once' }
  const done: string[] = []
  const noting = (name: string, work: Promise<unknown>) => work.then(() => void done.push(name))
  const all = [
    noting('create', store.create(task, { createsPerMinute: null, waitingTasks: null, monthlyCents: null })),
    noting('the same key', store.earlier(task)),
    noting('log', store.transitionsAfter(0, { taskId: task.id, limit: 9 })),
    noting('end of the log', store.lastSeq({ taskId: task.id })),
  ]
  await new Promise(setImmediate)
  expect(done).toEqual([])
  expect(flushes).toHaveLength(1)
  for (const flush of flushes) flush()
  await Promise.all(all)
  expect(done).toHaveLength(4)
  await store[Symbol.asyncDispose]()
})

test('opening twice applies the migrations once, and keeps the data', async () => {
  const url = newFile()
  const first = (await openTestStore(url)).tasks
  const task = await queue(first)
  await first[Symbol.asyncDispose]()
  await using second = (await openTestStore(url)).tasks
  expect(await second.get(task.id)).toEqual(task)
})

test('the migrations lead to exactly the tables in the code', async () => {
  const folder = new URL('../../drizzle/sqlite/meta/', import.meta.url)
  const latest = readdirSync(folder)
    .filter(name => name.endsWith('_snapshot.json'))
    .sort()
    .at(-1)
  const migrated = JSON.parse(readFileSync(new URL(latest!, folder), 'utf8'))
  const coded = await generateSQLiteDrizzleJson({ ...tables })
  expect(await generateSQLiteMigration(migrated, coded)).toEqual([])
})
