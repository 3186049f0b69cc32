import { fileURLToPath } from 'node:url'
import type BetterSqlite3 from 'better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { StoreError } from '../../tasks/store-error.js'

const MIGRATIONS = fileURLToPath(new URL('../../../drizzle/sqlite', import.meta.url))
/** The table in which drizzle-kit expects the applied migrations. */
const TABLE = '__drizzle_migrations'

/**
 * Brings the tables up to date, in one transaction, so that of several processes one does it. Throws on a database that
 * a newer version of the gateway has migrated.
 */
export function migrate(sqlite: BetterSqlite3.Database, path: string): void {
  const migrations = readMigrationFiles({ migrationsFolder: MIGRATIONS })
  const newest = Math.max(...migrations.map(migration => migration.folderMillis))
  // Read first: a process that has nothing to migrate needs no write lock.
  if (latestOf(sqlite) === newest) return
  const apply = sqlite.transaction(() => {
    const latest = latestOf(sqlite)
    if (latest > newest)
      throw new StoreError(
        'failed',
        `The database ${path} was written by a newer version of lipsync-gateway. Install that version, or restore a backup from before the upgrade.`,
      )
    sqlite.exec(`CREATE TABLE IF NOT EXISTS ${TABLE} (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, created_at NUMERIC)`)
    const applied = sqlite.prepare(`INSERT INTO ${TABLE} (hash, created_at) VALUES (?, ?)`)
    for (const { folderMillis, hash, sql } of migrations.filter(migration => migration.folderMillis > latest)) {
      for (const statement of sql) sqlite.exec(statement)
      applied.run(hash, folderMillis)
    }
  })
  apply.immediate()
}

/** The time of the latest migration that was applied; 0 when there is none. */
function latestOf(sqlite: BetterSqlite3.Database): number {
  const table = sqlite.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(TABLE)
  if (!table) return 0
  const { latest } = sqlite
    .prepare<[], { latest: number | null }>(`SELECT max(created_at) AS latest FROM ${TABLE}`)
    .get() ?? { latest: null }
  return latest ?? 0
}
