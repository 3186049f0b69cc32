import { stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { NO_LOCKS } from '../../src/store/connection.js'
import { openKeyStore, openStore } from '../../src/store/open-store.js'
import { createConnection } from '../../src/store/sqlite/connection.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import { createNoFlusher } from '../../src/store/sqlite/flusher.js'
import { openGatewayState } from '../../src/store/sqlite/gateway-state.js'
import { done } from '../../src/store/statement.js'
import { startChild } from '../support/child.js'
import { meddle, newDatabase, openTestStore } from '../support/database.js'
import { createManualClock } from '../support/manual-clock.js'
import { queue } from '../support/store-contract.js'

const silent = pino({ level: 'silent' })
function urlOf(file: string) {
  return `file:${file}`
}

test('rejects a second gateway on a database, naming the process and its host', async () => {
  const file = await newDatabase()
  const first = startChild('store-host.js', urlOf(file))
  expect(await first.message).toBe('open')
  const opening = openTestStore(urlOf(file))
  await expect(opening).rejects.toThrow(`${file} is in use by another gateway: process ${first.pid} on ${hostname()}, `)
  await expect(opening).rejects.toMatchObject({ name: 'StoreError', kind: 'busy' })
})

test('takes over at once after the other gateway was killed', async () => {
  const file = await newDatabase()
  const first = startChild('store-host.js', urlOf(file))
  await first.message
  await first.kill()
  await using store = await openTestStore(urlOf(file))
  expect(store.restored).toBe(false)
})

test('exactly one of several gateways that start at once on an empty folder opens it', async () => {
  const file = join(dirname(await newDatabase()), 'new', 'gateway.db')
  const started = await Promise.all([1, 2, 3].map(() => startChild('store-host.js', urlOf(file)).message))
  expect(started.filter(message => message === 'open')).toHaveLength(1)
  for (const message of started.filter(said => said !== 'open')) expect(message).toMatch('is in use by another gateway')
})

test('can be opened again after it was closed, in the same process too', async () => {
  const file = await newDatabase()
  await (await openTestStore(urlOf(file)))[Symbol.asyncDispose]()
  await using store = await openTestStore(urlOf(file))
  await expect(openTestStore(urlOf(file))).rejects.toThrow(`process ${process.pid} on`)
  expect(await store.tasks.lastSeq({ filter: {} })).toBe(0)
})

test('opens the keys beside a running gateway', async () => {
  const file = await newDatabase()
  await using gateway = await openTestStore(urlOf(file))
  await using beside = await openKeyStore({ databaseUrl: urlOf(file), dataDir: dirname(file) })
  const secret = await beside.keys.secret('a')
  expect(await gateway.keys.secret('a')).toBe(secret)
})

test('a lock of another program does not block the event loop; the write succeeds when it is released', async () => {
  const file = await newDatabase()
  await using store = await openTestStore(urlOf(file))
  const holder = startChild('lock-holder.js', file)
  expect(await holder.message).toBe('locked')
  let [late, ticks] = [0, 0]
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    late = Math.max(late, now - last)
    last = now
    // The lock is released once the loop has turned often enough while creates were waiting for it.
    if (++ticks === 30) void holder.kill()
  }, 10)
  const created = await Promise.all(Array.from({ length: 20 }, () => queue(store.tasks)))
  clearInterval(timer)
  expect(created).toHaveLength(20)
  expect(ticks).toBeGreaterThanOrEqual(30)
  // SQLite's own wait would have held the loop for as long as the lock.
  expect(late).toBeLessThan(250)
})

test('rejects a write that stays locked too long, naming the database', async () => {
  const file = await newDatabase()
  const { sqlite } = openDatabase(urlOf(file))
  const { write } = createConnection(sqlite, file, createNoFlusher(), { retryDelaysMs: [1, 1] })
  const other = openDatabase(urlOf(file)).sqlite
  other.exec('BEGIN IMMEDIATE')
  const busy = { kind: 'busy', message: `The database ${file} is locked by another program.` }
  await expect(write(NO_LOCKS, () => done(undefined))).rejects.toMatchObject(busy)
  other.close()
  await write(NO_LOCKS, () => done(undefined))
  sqlite.close()
})

test('rejects a database of a newer version', async () => {
  const file = await newDatabase()
  await (await openTestStore(urlOf(file)))[Symbol.asyncDispose]()
  meddle(file, db => db.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e15)"))
  await expect(openTestStore(urlOf(file))).rejects.toThrow(`${file} was written by a newer version of lipsync-gateway`)
  meddle(file, db => db.exec('DELETE FROM __drizzle_migrations WHERE created_at = 9e15'))
  await (await openTestStore(urlOf(file)))[Symbol.asyncDispose]()
})

test('names the path of a database that cannot be opened', async () => {
  const file = await newDatabase()
  await writeFile(file, 'certainly no database, and long enough to be taken for one'.repeat(100))
  await expect(openTestStore(urlOf(file))).rejects.toThrow(`The database ${file} failed: file is not a database`)
  const dataDir = join(file, 'data')
  const opening = openStore({ databaseUrl: urlOf(join(dataDir, 'gateway.db')), dataDir }, createManualClock(), silent)
  await expect(opening).rejects.toThrow(
    `The folder ${dataDir} of the database cannot be created (DATA_DIR is "${dataDir}")`,
  )
})

test.each(['file:x.db?mode=ro', 'file://host/x.db', 'file:x.db#y'])('rejects the URL %s', async databaseUrl => {
  await expect(openTestStore(databaseUrl)).rejects.toThrow(databaseUrl)
})

test('reports a full disk as such', async () => {
  const file = await newDatabase()
  const { sqlite, prepareSql, write } = openDatabase(urlOf(file))
  const insert = prepareSql('INSERT INTO secrets (name, value) VALUES (@name, @value)')
  // The largest size that SQLite is allowed stands for the size of the disk.
  sqlite.pragma(`max_page_count = ${sqlite.pragma('page_count', { simple: true })}`)
  const filling = write(NO_LOCKS, function* () {
    for (let i = 0; i < 1_000; i++) yield* insert.run({ name: `${i}`, value: 'x'.repeat(1_000) })
  })
  await expect(filling).rejects.toMatchObject({ kind: 'full', message: `The disk of the database ${file} is full.` })
  sqlite.close()
})

test.each(['000', '077'])('keeps its files to their owner, with the umask %s', async umask => {
  const file = join(dirname(await newDatabase()), 'made', 'gateway.db')
  const host = startChild('store-host.js', urlOf(file), umask)
  expect(await host.message).toBe('open')
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  expect(await modeOf(dirname(file))).toBe('700')
  for (const suffix of ['', '-wal', '-shm', '.lock', '.owner', '.epoch'])
    expect([suffix, await modeOf(`${file}${suffix}`)]).toEqual([suffix, '600'])
})

test('probes whether it can write at most once a second, for all callers together', async () => {
  const connection = openDatabase(':memory:')
  const clock = createManualClock()
  const state = await openGatewayState({ connection, path: null, systemClock: clock, log: silent, restored: false })
  const changes = () => connection.sqlite.prepare('SELECT total_changes()').pluck().get() as number
  const before = changes()
  await Promise.all(Array.from({ length: 50 }, () => state.check()))
  expect(changes()).toBe(before + 1)
  await clock.advance(1_000)
  await state.check()
  expect(changes()).toBe(before + 2)
  await connection.close()
  await clock.advance(1_000)
  await expect(state.check()).rejects.toMatchObject({ name: 'StoreError', kind: 'failed' })
})
