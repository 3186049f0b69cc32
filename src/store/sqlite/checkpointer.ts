import { Worker } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'
import type { Logger } from 'pino'
import type { CheckpointResult } from './checkpoint-worker.js'

const CHECK_EVERY_MS = 1_000
/** Rows written between two checkpoints: a write-ahead log of some fifty megabytes. Beginning it anew waits for the disk. */
const ROWS = 6_000
/** A log that outgrew this, in pages of 4 KB, is copied to its end from here, so that SQLite can begin it anew. */
const LONGEST_LOG_PAGES = 64_000

/**
 * Copies the write-ahead log into the database from time to time, in a thread of its own: a checkpoint waits for the
 * disk several times, and as a part of a commit it would block the event loop. The thread starts when it is first needed.
 *
 * @param path the database's file
 */
export function startCheckpointer(sqlite: Database, path: string, log: Logger): AsyncDisposable {
  const rowsWritten = sqlite.prepare('SELECT total_changes()').pluck()
  let rowsCopied = 0
  let isRunning = false
  let worker: Worker | null = null
  sqlite.pragma('wal_autocheckpoint = 0')

  const timer = setInterval(() => {
    const rows = rowsWritten.get() as number
    if (isRunning || rows - rowsCopied < ROWS) return
    rowsCopied = rows
    isRunning = true
    worker ??= start()
    worker.postMessage('checkpoint')
  }, CHECK_EVERY_MS)
  timer.unref()

  function start(): Worker {
    const started = new Worker(...workerModule(path))
    started.on('message', ({ logPages }: CheckpointResult) => {
      isRunning = false
      if (logPages > LONGEST_LOG_PAGES) sqlite.pragma('wal_checkpoint(PASSIVE)')
    })
    started.on('error', err => {
      log.error({ err }, 'the checkpoint thread failed; from now on commits copy the log')
      sqlite.pragma('wal_autocheckpoint = 1000')
    })
    started.unref()
    return started
  }

  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await worker?.terminate()
    },
  }
}

/** From the sources the thread needs the loader that this process runs under; compiled, it needs none. */
function workerModule(path: string): ConstructorParameters<typeof Worker> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const execArgv = extension === 'ts' ? ['--import', 'tsx'] : []
  return [new URL(`./checkpoint-worker.${extension}`, import.meta.url), { workerData: path, execArgv }]
}
