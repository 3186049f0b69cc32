import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type BetterSqlite3 from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'
import { type Connection, createConnection } from './connection.js'

const MIGRATIONS = fileURLToPath(new URL('../../../drizzle/sqlite', import.meta.url))

/**
 * SQLite for the Node that runs: version 12 is the last that works on Node 20, and built with the headers of Node 24.19
 * or later it ends the process when a statement is collected as garbage (nodejs/node#65446); 13 does neither.
 */
const load = (): typeof BetterSqlite3 => {
  const require = createRequire(import.meta.url)
  if (!process.versions.node.startsWith('20.')) return require('better-sqlite3')
  try {
    return require('better-sqlite3-node-20')
  } catch (cause) {
    // It is an optional package, because on later Nodes nobody needs it and not every machine can build it.
    throw new Error('On Node 20 SQLite needs the package better-sqlite3-node-20: npm install --include=optional', {
      cause,
    })
  }
}
export const Database: typeof BetterSqlite3 = load()

/**
 * Opens the database, makes it durable and brings its tables up to date; safe to do again.
 *
 * `synchronous = FULL` makes each commit wait for the disk, so that it survives a power cut.
 *
 * @param url `file:` and a path, or `:memory:`
 * @param onQuery receives the SQL of each query, to inspect its plan
 */
export function openDatabase(url: string, onQuery?: (sql: string) => void): Connection {
  const path = url.replace(/^file:/, '')
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const sqlite = new Database(path)
  try {
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = FULL')
    sqlite.pragma('foreign_keys = ON')
    const db = drizzle(sqlite, { logger: onQuery ? { logQuery: onQuery } : false })
    migrate(db, { migrationsFolder: MIGRATIONS })
    return createConnection(sqlite, db, path)
  } catch (thrown) {
    sqlite.close()
    throw thrown
  }
}
