import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { NO_CHANGE_FEED } from '../../tasks/change-feed.js'
import type { Closers, OpenStore, StoreConfig } from '../store-state.js'
import { startCheckpointer } from './checkpointer.js'
import { openDatabase } from './database.js'
import { createDatabaseFile, databasePathOf, IN_MEMORY } from './database-file.js'
import { openGatewayState } from './gateway-state.js'
import { lockDatabase } from './lock.js'

/** Opens a SQLite database for the only gateway that may run on it. */
export async function openSqlite(
  { databaseUrl, dataDir, restored = false }: StoreConfig,
  systemClock: Clock,
  log: Logger,
  closers: Closers,
): Promise<OpenStore> {
  const path = databasePathOf(databaseUrl)
  const file = path === IN_MEMORY ? null : path
  if (file) {
    createDatabaseFile(file, dataDir)
    closers.push(lockDatabase(file, systemClock.now()))
  }
  const connection = openDatabase(databaseUrl, dataDir)
  closers.push(connection.close)
  if (file) {
    const checkpointer = startCheckpointer(connection.sqlite, file, log)
    closers.push(() => checkpointer[Symbol.asyncDispose]())
  }
  const state = await openGatewayState({ connection, path: file, systemClock, log, restored })
  closers.push(() => state[Symbol.asyncDispose]())
  return { connection, state, feed: NO_CHANGE_FEED }
}
