/**
 * Why the store could not do its work.
 *
 * - `busy`: another program holds a lock on the database and did not release it in time. Nothing was written.
 * - `unreachable`: the connection to the database was lost. What was being written may have been written.
 * - `full`: the disk is full. Nothing was written.
 * - `failed`: anything else, such as a read-only file or a damaged database.
 */
export type StoreErrorKind = 'busy' | 'unreachable' | 'full' | 'failed'

/** Rejections of the store. The message is for operators: it names the database. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.kind = kind
  }
}
