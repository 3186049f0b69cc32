import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from 'drizzle-kit/api'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/store/sqlite/database.js'
import * as tables from '../../src/store/sqlite/tables.js'
import { openTestStore } from '../support/database.js'
import { describeStore, queue } from '../support/store-contract.js'

const folder = mkdtempSync(join(tmpdir(), 'store-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const newFile = () => `file:${join(folder, `${files++}.db`)}`

describeStore('SQLite in memory', async () => (await openTestStore()).tasks)
describeStore('SQLite in a file', async () => (await openTestStore(newFile())).tasks)

test('a commit waits for the disk', () => {
  const { sqlite } = openDatabase(newFile())
  expect(sqlite.pragma('journal_mode', { simple: true })).toBe('wal')
  expect(sqlite.pragma('synchronous', { simple: true })).toBe(2)
  sqlite.close()
})

test('opening twice applies the migrations once, and keeps what is there', async () => {
  const url = newFile()
  const first = (await openTestStore(url)).tasks
  const task = await queue(first)
  await first[Symbol.asyncDispose]()
  await using second = (await openTestStore(url)).tasks
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
