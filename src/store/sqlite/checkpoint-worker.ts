/** The checkpoint thread: copies the write-ahead log into the database on each message. */
import { parentPort, workerData } from 'node:worker_threads'
import { Database } from './load-sqlite.js'

export interface CheckpointResult {
  /** The pages in the log, copied ones included. */
  readonly logPages: number
}

const sqlite = new Database(workerData as string)
sqlite.pragma('synchronous = NORMAL')

parentPort?.on('message', () => {
  const [result] = sqlite.pragma('wal_checkpoint(PASSIVE)') as { log: number }[]
  parentPort?.postMessage({ logPages: result?.log ?? 0 } satisfies CheckpointResult)
})
