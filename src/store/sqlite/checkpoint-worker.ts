/** The checkpoint thread: copies the write-ahead log into the database on each message. */
import { parentPort, workerData } from 'node:worker_threads'
import { Database } from './load-sqlite.js'

/** A log that outgrew this, in pages of 4 KB, is copied to its end, so that SQLite can begin it anew. */
const LONGEST_LOG_PAGES = 64_000

const sqlite = new Database(workerData as string)
sqlite.pragma('synchronous = NORMAL')

parentPort?.on('message', () => {
  const [result] = sqlite.pragma('wal_checkpoint(PASSIVE)') as { log: number }[]
  // Locks writers out for the short rest of the log; they repeat their attempts without blocking the event loop.
  if (result && result.log > LONGEST_LOG_PAGES) sqlite.pragma('wal_checkpoint(RESTART)')
  parentPort?.postMessage('done')
})
