import type { SQL, SQLWrapper } from 'drizzle-orm'
import type { Connection } from './connection.js'
import type { PollQueries } from './poll-queue.js'

/** Where the SQL of the databases differs. */
export interface Dialect {
  /** Whether a column is one of a list, given as the parameter of this name. */
  isAmong(column: SQLWrapper, parameter: string): SQL
  /** A list as the value of such a parameter. */
  list(values: readonly string[]): unknown
  /** The condition of the index of queued tasks by age. The index is used for these very words only. */
  isQueuedByAge(stage: SQLWrapper): SQL
  /** The condition of the index of the heads of groups of twins that may leave. */
  isFree(isHeld: SQLWrapper): SQL
  /** The lesser of two values. */
  least(a: SQLWrapper, b: SQLWrapper): SQL
  /** For `prepareSql`: the rows of a list that is the parameter `@ids`. */
  readonly idsOfList: string
  pollQueries(connection: Connection): PollQueries
}
