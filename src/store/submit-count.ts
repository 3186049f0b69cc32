import type { Work } from './statement.js'

/** The number of submits that began, by which a restored SQLite database is recognised. */
export interface SubmitCount {
  /** Counts one, within the transaction of its step. */
  add(): Work<void>
  /** Writes the count beside the database. The paid call must not leave before this resolves. */
  record(): Promise<void>
}
