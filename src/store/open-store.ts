import type { Logger } from 'pino'
import type { KeyStore } from '../auth/ports.js'
import type { Clock } from '../clock.js'
import type { TaskStore } from '../tasks/task-store.js'
import { openDatabase } from './sqlite/database.js'
import { createKeyStore } from './sqlite/keys.js'
import { createSqliteStore } from './sqlite/sqlite-store.js'

export interface StoreConfig {
  /** `file:` and a path, or `:memory:`. */
  readonly databaseUrl: string
  readonly dataDir: string
  /** Treats the database as one that was restored from a backup. */
  readonly restored?: boolean | undefined
}

export interface Store extends AsyncDisposable {
  readonly tasks: TaskStore
  readonly keys: KeyStore
  /** The machine's clock, with a monotonic time that continues over restarts. */
  readonly clock: Clock
  readonly epoch: string
  readonly restored: boolean
}

/** Opens the database for a gateway. */
export async function openStore(config: StoreConfig, systemClock: Clock, _log: Logger): Promise<Store> {
  const connection = openDatabase(config.databaseUrl)
  const close = async () => void connection.sqlite.close()
  const state = {
    epoch: '0',
    restored: false,
    check: () => connection.write(() => void connection.sqlite.pragma('user_version = 1')),
    [Symbol.asyncDispose]: close,
  }
  return {
    tasks: createSqliteStore(connection, state),
    keys: createKeyStore(connection),
    clock: systemClock,
    epoch: state.epoch,
    restored: state.restored,
    [Symbol.asyncDispose]: close,
  }
}

/** Opens the database for the keys alone, also beside a running gateway. */
export async function openKeyStore(config: Pick<StoreConfig, 'databaseUrl' | 'dataDir'>) {
  const connection = openDatabase(config.databaseUrl)
  return {
    keys: createKeyStore(connection),
    async [Symbol.asyncDispose]() {
      connection.sqlite.close()
    },
  }
}
