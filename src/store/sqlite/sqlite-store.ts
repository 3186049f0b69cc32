import type { GatewayState, TaskLog, TaskStore } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { createLog } from './log.js'
import { createPollQueue } from './poll-queue.js'
import { createReader } from './reader.js'
import { createSubmitQueue } from './submit-queue.js'
import { createUsage } from './usage.js'
import { createWriter } from './writer.js'

/** The tasks, their log and their callers' accounts in SQLite. */
export function createSqliteStore(
  connection: Connection,
  state: GatewayState & Pick<TaskLog, 'epoch'> & AsyncDisposable,
): TaskStore {
  const { readEarlier, ...reader } = createReader(connection)
  return {
    ...reader,
    ...createWriter(connection, readEarlier),
    ...createLog(connection),
    ...createSubmitQueue(connection),
    ...createPollQueue(connection),
    ...createUsage(connection),
    ...state,
  }
}
