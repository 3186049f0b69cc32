import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { openStore } from '../../src/store/open-store.js'
import type { SqliteConnection } from '../../src/store/sqlite/connection.js'
import { Database } from '../../src/store/sqlite/load-sqlite.js'
import { createManualClock } from './manual-clock.js'

/** A store, in memory unless a file is given, on a manual clock. */
export function openTestStore(databaseUrl = ':memory:', clock = createManualClock(), restored?: boolean) {
  return openStore({ databaseUrl, dataDir: tmpdir(), restored }, clock, pino({ level: 'silent' }))
}

/** A file for a database, in a folder that is removed after the test. */
export async function newDatabase(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return join(dir, 'gateway.db')
}

/** Does something to a database from outside. */
export function meddle<T>(file: string, act: (database: SqliteConnection['sqlite']) => T): T {
  const database = new Database(file)
  try {
    return act(database)
  } finally {
    database.close()
  }
}
