import type { TaskStore } from '../tasks/task-store.js'
import { createAssets } from './assets.js'
import { createBatchReader } from './batches.js'
import type { Connection } from './connection.js'
import { createLog } from './log.js'
import { createPollQueue } from './poll-queue.js'
import { createReader } from './reader.js'
import type { StoreState } from './store-state.js'
import { createSubmitQueue } from './submit-queue.js'
import { createUploads } from './uploads.js'
import { createUsage } from './usage.js'
import { createWriter } from './writer.js'

/**
 * The tasks, their log and their callers' accounts.
 *
 * @param close called when the store is disposed of
 */
export function createTaskStore(connection: Connection, state: StoreState, close: () => Promise<void>): TaskStore {
  const { readEarlier, ...reader } = createReader(connection)
  const { moveWithin, ...writer } = createWriter(connection, readEarlier, state.submits)
  const { copyOf, recentCalls, ...assets } = createAssets(connection)
  return {
    ...reader,
    ...writer,
    ...createLog(connection),
    ...createSubmitQueue(connection, { move: moveWithin, copyOf, recentCalls, submits: state.submits }),
    ...createPollQueue(connection),
    ...createUsage(connection),
    ...createBatchReader(connection),
    ...createUploads(connection),
    ...assets,
    get epoch() {
      return state.epoch
    },
    get restored() {
      return state.restored
    },
    isShared: connection.isShared,
    check: state.check,
    nodes: state.nodes,
    [Symbol.asyncDispose]: close,
  }
}
