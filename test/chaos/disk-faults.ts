import type BetterSqlite3 from 'better-sqlite3'

export interface DiskFaults {
  /** A full disk: SQLite may not take another page, so that writes fail as they do when the disk has no room. */
  setFull(full: boolean): void
  /** A slow disk: each commit blocks for so many real milliseconds, as a flush to the disk does. */
  setCommitDelay(ms: number): void
}

const UNLIMITED_PAGES = 2 ** 32 - 2

/** Puts itself between the gateway and SQLite, because filling a real disk takes a file system of its own. */
export function installDiskFaults({ prototype }: typeof BetterSqlite3): DiskFaults {
  const connections = new Set<BetterSqlite3.Database>()
  let commitDelayMs = 0
  let full = false
  const { prepare, transaction } = prototype
  prototype.prepare = function (this: BetterSqlite3.Database, source: string) {
    connections.add(this)
    return prepare.call(this, source)
  } as typeof prepare
  prototype.transaction = function (this: BetterSqlite3.Database, work: (...args: unknown[]) => unknown) {
    return transaction.call(this, (...args: unknown[]) => {
      const result = work(...args)
      if (commitDelayMs > 0) block(commitDelayMs)
      return result
    })
  } as typeof transaction

  return {
    setFull(next) {
      if (full === next) return
      full = next
      // SQLite raises a limit below the current size to the current size.
      for (const connection of connections)
        if (connection.open) connection.pragma(`max_page_count = ${full ? 1 : UNLIMITED_PAGES}`)
    },
    setCommitDelay(ms) {
      commitDelayMs = ms
    },
  }
}

function block(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
