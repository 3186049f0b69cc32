import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate } from 'drizzle-orm/better-sqlite3/migrator'

const MIGRATIONS = fileURLToPath(new URL('../../drizzle/sqlite', import.meta.url))

export interface OpenDatabase {
  readonly sqlite: Database.Database
  readonly db: BetterSQLite3Database
}

/**
 * Opens the database, makes it durable and brings its tables up to date; safe to do again.
 *
 * `synchronous = FULL` makes each commit wait for the disk: what was answered survives a power cut.
 *
 * @param url `file:` and a path, or `:memory:`
 * @param onQuery is told the SQL of each query, for those who want to see its plan
 */
export const openDatabase = (url: string, onQuery?: (sql: string) => void): OpenDatabase => {
  const path = url.replace(/^file:/, '')
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const sqlite = new Database(path)
  try {
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = FULL')
    sqlite.pragma('foreign_keys = ON')
    const db = drizzle(sqlite, { logger: onQuery ? { logQuery: onQuery } : false })
    migrate(db, { migrationsFolder: MIGRATIONS })
    return { sqlite, db }
  } catch (thrown) {
    sqlite.close()
    throw thrown
  }
}
