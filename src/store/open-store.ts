import type { Logger } from 'pino'
import type { KeyStore } from '../auth/ports.js'
import type { Clock } from '../clock.js'
import type { TaskStore } from '../tasks/task-store.js'
import { startCheckpointer } from './sqlite/checkpointer.js'
import { openDatabase } from './sqlite/database.js'
import { createDatabaseFile, databasePathOf, IN_MEMORY } from './sqlite/database-file.js'
import { openGatewayState } from './sqlite/gateway-state.js'
import { createKeyStore } from './sqlite/keys.js'
import { lockDatabase } from './sqlite/lock.js'
import { createSqliteStore } from './sqlite/sqlite-store.js'

export interface StoreConfig {
  /** `file:` and a path, or `:memory:`. */
  readonly databaseUrl: string
  /** Named in errors when the database is in it. */
  readonly dataDir: string
  /** Treats the database as one that was restored from a backup. @default false */
  readonly restored?: boolean | undefined
}

export interface Store extends AsyncDisposable {
  readonly tasks: TaskStore
  readonly keys: KeyStore
  /** The machine's clock, with a monotonic time that continues over restarts. */
  readonly clock: Clock
  /** Identifies the log: cursors of another epoch are meaningless. */
  readonly epoch: string
  /** Whether the database went back in time, as after restoring a backup. */
  readonly restored: boolean
}

/**
 * Opens the database for a gateway, the only one that may run on it. Rejects with a `StoreError` that names the database
 * and, when another gateway runs on it, the process.
 */
export async function openStore(config: StoreConfig, systemClock: Clock, log: Logger): Promise<Store> {
  const { databaseUrl, dataDir, restored = false } = config
  const path = databasePathOf(databaseUrl)
  const file = path === IN_MEMORY ? null : path
  if (file) createDatabaseFile(file, dataDir)
  const unlock = file ? lockDatabase(file, systemClock.now()) : () => {}
  const closers = [unlock]
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const connection = openDatabase(databaseUrl, dataDir)
    closers.push(connection.close)
    if (file) {
      const checkpointer = startCheckpointer(connection.sqlite, file, log)
      closers.push(() => checkpointer[Symbol.asyncDispose]())
    }
    const state = await openGatewayState({ connection, path: file, systemClock, log, restored })
    closers.push(() => state[Symbol.asyncDispose]())
    return {
      tasks: createSqliteStore(connection, state, close),
      keys: createKeyStore(connection),
      clock: state.clock,
      epoch: state.epoch,
      restored: state.restored,
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
  const connection = openDatabase(config.databaseUrl, config.dataDir)
  return {
    keys: createKeyStore(connection),
    async [Symbol.asyncDispose]() {
      connection.close()
    },
  }
}

/** Brings the tables of the database up to date. */
export function migrateDatabase(config: Pick<StoreConfig, 'databaseUrl' | 'dataDir'>): void {
  openDatabase(config.databaseUrl, config.dataDir).close()
}
