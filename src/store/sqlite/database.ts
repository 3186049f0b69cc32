import { createConnection, type SqliteConnection } from './connection.js'
import { createDatabaseFile, databasePathOf, IN_MEMORY } from './database-file.js'
import { toStoreError } from './errors.js'
import { createNoFlusher, openFlusher } from './flusher.js'
import { Database } from './load-sqlite.js'
import { migrate } from './migrate.js'

/** How long opening waits for another process that is opening, or migrating, the same database. */
const OPEN_TIMEOUT_MS = 2_000

/**
 * Opens the database, makes it durable and brings its tables up to date. Throws a `StoreError` that names the path.
 *
 * A commit writes to the write-ahead log and does not wait for the disk, which would block the event loop; the connection
 * flushes the log in the background, once for all commits that came meanwhile, and reports a write when it is there.
 *
 * @param url `file:` and a path, or `:memory:`
 * @param onQuery receives the SQL of each query, to inspect its plan
 */
export function openDatabase(url: string, dataDir = '.', onQuery?: (sql: string) => void): SqliteConnection {
  const path = databasePathOf(url)
  if (path !== IN_MEMORY) createDatabaseFile(path, dataDir)
  const sqlite = open(path)
  try {
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = NORMAL')
    sqlite.pragma('foreign_keys = ON')
    migrate(sqlite, path)
    // From here on a lock must not block the event loop: the connection repeats what met one.
    sqlite.pragma('busy_timeout = 0')
    const flusher = path === IN_MEMORY ? createNoFlusher() : openFlusher(`${path}-wal`)
    return createConnection(sqlite, path, flusher, { onQuery })
  } catch (thrown) {
    sqlite.close()
    throw toStoreError(thrown, path)
  }
}

function open(path: string) {
  try {
    return new Database(path, { timeout: OPEN_TIMEOUT_MS })
  } catch (thrown) {
    throw toStoreError(thrown, path)
  }
}
