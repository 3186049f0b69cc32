import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type pg from 'pg'
import { StoreError } from '../../tasks/store-error.js'
import { lockKey } from './locks.js'

const MIGRATIONS = fileURLToPath(new URL('../../../drizzle/postgres', import.meta.url))
/** The table in which drizzle-kit expects the applied migrations. */
const TABLE = '__drizzle_migrations'

/**
 * Brings the tables up to date. Of several gateways that start at once, one does it and the others wait for it. Rejects a
 * database that a newer version of the gateway has migrated.
 */
export async function migrate(client: pg.ClientBase, name: string, schema: string): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder: MIGRATIONS })
  const newest = Math.max(...migrations.map(migration => migration.folderMillis))
  const key = lockKey(schema, 'migrations')
  await client.query(`SELECT pg_advisory_lock(${key})`)
  try {
    const latest = await latestOf(client)
    if (latest > newest)
      throw new StoreError(
        'failed',
        `The database ${name} was written by a newer version of lipsync-gateway. Install that version, or restore a backup from before the upgrade.`,
      )
    if (latest === newest) return
    await client.query('BEGIN')
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash text NOT NULL, created_at bigint NOT NULL)`,
    )
    for (const { folderMillis, hash, sql } of migrations.filter(migration => migration.folderMillis > latest)) {
      for (const statement of sql) await client.query(statement)
      await client.query(`INSERT INTO ${TABLE} (hash, created_at) VALUES ($1, $2)`, [hash, folderMillis])
    }
    await client.query('COMMIT')
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => {})
    throw thrown
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${key})`).catch(() => {})
  }
}

/** The time of the latest migration that was applied; 0 when there is none. */
async function latestOf(client: pg.ClientBase): Promise<number> {
  const { rows: tables } = await client.query('SELECT to_regclass($1) IS NOT NULL AS exists', [TABLE])
  if (!tables[0]?.exists) return 0
  const { rows } = await client.query(`SELECT coalesce(max(created_at), 0) AS latest FROM ${TABLE}`)
  return rows[0]?.latest ?? 0
}
