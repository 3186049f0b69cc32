import type { TaskStore } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import { createLog } from './log.js'
import { createPollQueue } from './poll-queue.js'
import { createReader } from './reader.js'
import type { StoreState } from './store-state.js'
import { createSubmitQueue } from './submit-queue.js'
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
  return {
    ...reader,
    ...writer,
    ...createLog(connection),
    ...createSubmitQueue(connection, moveWithin, state.submits),
    ...createPollQueue(connection),
    ...createUsage(connection),
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
