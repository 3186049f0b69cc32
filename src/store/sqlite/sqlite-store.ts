import type { TaskStore } from '../../tasks/task-store.js'
import { createBatchReader } from './batches.js'
import type { Connection } from './connection.js'
import type { OpenGatewayState } from './gateway-state.js'
import { createLog } from './log.js'
import { createPollQueue } from './poll-queue.js'
import { createReader } from './reader.js'
import { createSubmitQueue } from './submit-queue.js'
import { createAssets, createUploads } from './uploads.js'
import { createUsage } from './usage.js'
import { createWriter } from './writer.js'

/**
 * The tasks, their log and their callers' accounts in SQLite.
 *
 * @param close called when the store is disposed of
 */
export function createSqliteStore(
  connection: Connection,
  { epoch, restored, check, submits }: OpenGatewayState,
  close: () => Promise<void>,
): TaskStore {
  const { readEarlier, ...reader } = createReader(connection)
  return {
    ...reader,
    ...createWriter(connection, readEarlier, submits),
    ...createLog(connection),
    ...createSubmitQueue(connection),
    ...createPollQueue(connection),
    ...createUsage(connection),
    ...createBatchReader(connection),
    ...createUploads(connection),
    ...createAssets(connection),
    epoch,
    restored,
    check,
    [Symbol.asyncDispose]: close,
  }
}
