import { setTimeout as wait } from 'node:timers/promises'
import type BetterSqlite3 from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { builtQuery, type DrizzleQuery } from '../built-query.js'
import type { Connection } from '../connection.js'
import { done, runAtOnce, type Statement, type Values, type Work } from '../statement.js'
import { sqliteDialect } from './dialect.js'
import { toStoreError } from './errors.js'
import type { Flusher } from './flusher.js'
import * as tables from './tables.js'

export interface SqliteConnection extends Connection {
  readonly sqlite: BetterSqlite3.Database
}

export interface SqliteConnectionOptions {
  /** How long to wait after each attempt that met a lock. */
  readonly retryDelaysMs?: readonly number[]
  /** Receives the SQL of each statement that runs. */
  readonly onQuery?: ((sql: string) => void) | undefined
}

/** How long each attempt waits after one that met a lock: together about five seconds. */
const RETRY_DELAYS_MS = [5, 10, 20, 40, 80, ...Array.from({ length: 48 }, () => 100)]

const NOTHING: Values = {}

/**
 * @param path names the database in errors
 * @param flusher brings the write-ahead log to the disk
 */
export function createConnection(
  sqlite: BetterSqlite3.Database,
  path: string,
  flusher: Flusher,
  { retryDelaysMs = RETRY_DELAYS_MS, onQuery }: SqliteConnectionOptions = {},
): SqliteConnection {
  /**
   * SQLite does not wait for a lock of another program by itself, because that would block the event loop; the attempts
   * are repeated from here instead.
   */
  async function attempt<T>(work: () => T): Promise<T> {
    for (const delayMs of retryDelaysMs) {
      try {
        return work()
      } catch (thrown) {
        const error = toStoreError(thrown, path)
        if (error.kind !== 'busy') throw error
        await wait(delayMs)
      }
    }
    try {
      return work()
    } catch (thrown) {
      throw toStoreError(thrown, path)
    }
  }

  function read<T>(work: () => Work<T>): Promise<T> {
    return attempt(() => runAtOnce(work()))
  }

  function change<T>(work: () => Work<T>): Promise<T> {
    return attempt(() => {
      const result = sqlite.transaction(() => runAtOnce(work())).immediate()
      flusher.written()
      return result
    })
  }

  async function flushed(): Promise<void> {
    try {
      await flusher.flushed()
    } catch (thrown) {
      throw toStoreError(thrown, path)
    }
  }

  async function readDurable<T>(work: () => Work<T>): Promise<T> {
    const result = await read(work)
    await flushed()
    return result
  }

  return {
    sqlite,
    db: drizzle(sqlite),
    tables,
    dialect: sqliteDialect,
    isShared: false,
    prepare: query => statementOf(query.prepare() as unknown as PreparedByDrizzle, onQuery),
    prepareSql: sql => sqlStatement(sqlite, sql, onQuery),
    read,
    readSnapshot: read,
    readDurable,
    readDurableSnapshot: readDurable,
    async write(_, work) {
      const result = await change(work)
      await flushed()
      return result
    },
    writeUnsynced: (_, work) => change(work),
    // The one writer has the whole database.
    lock: () => done(undefined),
    announceKeys: () => done(undefined),
    async close() {
      sqlite.close()
      flusher.close()
    },
  }
}

/** Drizzle does not declare the statement that it has prepared. */
interface PreparedByDrizzle extends DrizzleQuery {
  readonly stmt: BetterSqlite3.Statement<unknown[], unknown[]>
}

function statementOf<Row>(prepared: PreparedByDrizzle, onQuery?: (sql: string) => void): Statement<Row> {
  const { sql, bind, toRow } = builtQuery(prepared)
  const { stmt } = prepared
  if (toRow) stmt.raw()
  const read = (cells: unknown[]) => toRow?.(cells) as Row
  return {
    all(values = NOTHING) {
      onQuery?.(sql)
      return done(stmt.all(...bind(values)).map(read))
    },
    get(values = NOTHING) {
      onQuery?.(sql)
      const cells = stmt.get(...bind(values))
      return done(cells && read(cells))
    },
    run(values = NOTHING) {
      onQuery?.(sql)
      if (toRow) stmt.all(...bind(values))
      else stmt.run(...bind(values))
      return done(undefined)
    },
  }
}

function sqlStatement<Row>(
  sqlite: BetterSqlite3.Database,
  sql: string,
  onQuery?: (sql: string) => void,
): Statement<Row> {
  const statement = sqlite.prepare<[Values], Row>(sql)
  return {
    all(values = NOTHING) {
      onQuery?.(sql)
      return done(statement.all(values))
    },
    get(values = NOTHING) {
      onQuery?.(sql)
      return done(statement.get(values))
    },
    run(values = NOTHING) {
      onQuery?.(sql)
      statement.run(values)
      return done(undefined)
    },
  }
}
