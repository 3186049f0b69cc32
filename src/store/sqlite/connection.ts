import { setTimeout as wait } from 'node:timers/promises'
import type BetterSqlite3 from 'better-sqlite3'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { toStoreError } from './errors.js'
import type { Flusher } from './flusher.js'

/** An open database. Everything that reads or writes goes through `read` and `write`, which reject with a `StoreError`. */
export interface Connection {
  readonly sqlite: BetterSqlite3.Database
  readonly db: BetterSQLite3Database
  /** What a query sees may still be on its way to the disk, so that a power cut could undo it. */
  read<T>(query: () => T): Promise<T>
  /** Resolves when all that the query saw is on the disk. */
  readDurable<T>(query: () => T): Promise<T>
  /** Runs `change` in one transaction that is on the disk when the promise resolves. */
  write<T>(change: () => T): Promise<T>
  /** The same, but a power cut may undo it. */
  writeUnsynced<T>(change: () => T): Promise<T>
  close(): void
}

/** How long each attempt waits after one that met a lock: together about five seconds. */
const RETRY_DELAYS_MS = [5, 10, 20, 40, 80, ...Array.from({ length: 48 }, () => 100)]

/**
 * @param path names the database in errors
 * @param flusher brings the write-ahead log to the disk
 * @param retryDelaysMs how long to wait after each attempt that met a lock
 */
export function createConnection(
  sqlite: BetterSqlite3.Database,
  db: BetterSQLite3Database,
  path: string,
  flusher: Flusher,
  retryDelaysMs: readonly number[] = RETRY_DELAYS_MS,
): Connection {
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

  function change<T>(work: () => T): Promise<T> {
    return attempt(() => {
      const result = sqlite.transaction(work).immediate()
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

  return {
    sqlite,
    db,
    read: attempt,
    async readDurable(query) {
      const result = await attempt(query)
      await flushed()
      return result
    },
    async write(work) {
      const result = await change(work)
      await flushed()
      return result
    },
    writeUnsynced: change,
    close() {
      sqlite.close()
      flusher.close()
    },
  }
}
