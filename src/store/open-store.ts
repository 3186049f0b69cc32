import { type Logger, pino } from 'pino'
import type { KeyStore } from '../auth/ports.js'
import type { Clock } from '../clock.js'
import type { ChangeFeed } from '../tasks/change-feed.js'
import type { TaskStore } from '../tasks/task-store.js'
import { createTaskStore } from './create-task-store.js'
import { createKeyStore } from './keys.js'
import { describePostgres, isPostgresUrl } from './postgres/database-url.js'
import { connectPostgres, openPostgres, prepareDatabase } from './postgres/open-postgres.js'
import { openDatabase } from './sqlite/database.js'
import { openSqlite } from './sqlite/open-sqlite.js'
import type { Closers, StoreConfig } from './store-state.js'

export type { StoreConfig }
export { isPostgresUrl }

const silent = pino({ level: 'silent' })

export interface Store extends AsyncDisposable {
  readonly tasks: TaskStore
  readonly keys: KeyStore
  /** The changes of other gateways on the database. */
  readonly feed: ChangeFeed
  /** The store's clock: a monotonic time that continues over restarts. On Postgres it is the database's. */
  readonly clock: Clock
  /** Identifies the log: cursors of another epoch are meaningless. */
  readonly epoch: string
  /** Whether the database went back in time, as after restoring a backup. */
  readonly restored: boolean
}

/**
 * Opens the database for a gateway. On SQLite it is the only one that may run on it. Rejects with a `StoreError` that
 * names the database and, when another gateway holds it, the process.
 */
export async function openStore(config: StoreConfig, systemClock: Clock, log: Logger): Promise<Store> {
  const closers: Closers = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const open = isPostgresUrl(config.databaseUrl) ? openPostgres : openSqlite
    const { connection, state, feed } = await open(config, systemClock, log, closers)
    return {
      tasks: createTaskStore(connection, state, close),
      keys: createKeyStore(connection),
      feed,
      clock: state.clock,
      get epoch() {
        return state.epoch
      },
      get restored() {
        return state.restored
      },
      [Symbol.asyncDispose]: close,
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** Opens the database for its keys alone. Works beside a running gateway. */
export async function openKeyStore(
  config: Pick<StoreConfig, 'databaseUrl' | 'dataDir'>,
): Promise<AsyncDisposable & { readonly keys: KeyStore }> {
  const connection = isPostgresUrl(config.databaseUrl)
    ? await connectPostgres(config.databaseUrl, silent)
    : openDatabase(config.databaseUrl, config.dataDir)
  return { keys: createKeyStore(connection), [Symbol.asyncDispose]: connection.close }
}

/** Brings the tables of the database up to date. Returns how people name the database: without its password. */
export async function migrateDatabase(config: Pick<StoreConfig, 'databaseUrl' | 'dataDir'>): Promise<string> {
  const { databaseUrl, dataDir } = config
  if (!isPostgresUrl(databaseUrl)) {
    await openDatabase(databaseUrl, dataDir).close()
    return databaseUrl
  }
  await prepareDatabase(databaseUrl)
  return `Postgres ${describePostgres(databaseUrl)}`
}
