import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { StoreError } from '../tasks/store-error.js'
import { describePostgres } from './postgres/database-url.js'
import { prepareDatabase } from './postgres/open-postgres.js'
import { openClient } from './postgres/pool.js'
import { openSqlite } from './sqlite/open-sqlite.js'
import type { Closers } from './store-state.js'

/** In the order in which they are copied. The pause of the submit queue, the list of gateways and the calls
 * that copied uploads begin anew. */
const TABLES = [
  'tasks',
  'transitions',
  'caller_queues',
  'twin_queues',
  'stage_counts',
  'usage',
  'batches',
  'uploads',
  'upstream_assets',
  'api_keys',
  'secrets',
] as const
const JSON_COLUMNS = new Set(['scopes', 'limits'])
const BATCH = 500

type Client = Awaited<ReturnType<typeof openClient>>
type Row = Readonly<Record<string, unknown>>

export interface CopyParts {
  /** `file:` and a path. */
  readonly from: string
  /** `postgres://…` */
  readonly to: string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Copies a SQLite database to an empty Postgres database, in one transaction, with its keys, its history and its cursors.
 * No gateway may be open on the SQLite database. Returns how many rows each table has.
 */
export async function copyDatabase({ from, to, clock, log }: CopyParts): Promise<ReadonlyMap<string, number>> {
  const closers: Closers = []
  try {
    const name = describePostgres(to)
    await prepareDatabase(to, name)
    const client = await openClient(to)
    closers.push(() => client.end())
    await assertEmpty(client, name)
    const { connection, state } = await openSqlite({ databaseUrl: from, dataDir: '.' }, clock, log, closers)
    const readRows = (table: string, after: number) =>
      connection.read(() =>
        connection
          .prepareSql<Row & { readonly rowid: number }>(
            `SELECT rowid, * FROM ${table} WHERE rowid > @after ORDER BY rowid LIMIT ${BATCH}`,
          )
          .all({ after }),
      )
    await client.query('BEGIN')
    // The monotonic time of the two databases begins at different moments.
    const shiftMs = (await monotonicTime(client, clock)) - state.clock.monotonic()
    const counts = new Map<string, number>()
    for (const table of TABLES) counts.set(table, await copyTable(client, table, readRows, shiftMs))
    await client.query("SELECT setval(pg_get_serial_sequence('transitions', 'seq'), max(seq)) FROM transitions")
    await client.query(
      `INSERT INTO gateway (id, epoch, starts, submits, boot_id, system_mono, mono) VALUES (1, $1, 1, 0, '', 0, 0)`,
      [state.epoch],
    )
    await client.query('COMMIT')
    for (const table of TABLES) await client.query(`ANALYZE ${table}`)
    return counts
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

async function assertEmpty(client: Client, name: string): Promise<void> {
  for (const table of [...TABLES, 'gateway', 'nodes']) {
    const { rows } = await client.query(`SELECT 1 FROM ${table} LIMIT 1`)
    if (rows.length > 0)
      throw new StoreError(
        'failed',
        `The database ${name} is not empty: it has rows in the table ${table}. Nothing was copied.`,
      )
  }
}

/** The time that the gateways on the database go by. */
async function monotonicTime(client: Client, clock: Clock): Promise<number> {
  if (clock.isShared) return clock.monotonic()
  const { rows } = await client.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
  return Math.round(rows[0].now)
}

async function copyTable(
  client: Client,
  table: string,
  readRows: (table: string, after: number) => Promise<(Row & { readonly rowid: number })[]>,
  shiftMs: number,
): Promise<number> {
  let count = 0
  for (let rows = await readRows(table, 0); rows.length > 0; rows = await readRows(table, rows.at(-1)!.rowid)) {
    const records = JSON.stringify(rows.map(row => convert(row, shiftMs)))
    await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [records])
    count += rows.length
  }
  return count
}

/** A row as Postgres reads it from JSON. */
function convert(row: Row, shiftMs: number): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (column.endsWith('_mono') && typeof value === 'number') return [column, value + shiftMs]
      if (JSON_COLUMNS.has(column) && typeof value === 'string') return [column, JSON.parse(value)]
      // Postgres stores no NUL character.
      return [column, typeof value === 'string' ? value.replaceAll('\0', '') : value]
    }),
  )
}
