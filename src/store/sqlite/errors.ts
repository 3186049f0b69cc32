import { StoreError } from '../../tasks/store-error.js'

/** Converts an error of SQLite or the file system to a `StoreError`. The message names the database. */
export function toStoreError(thrown: unknown, path: string): StoreError {
  if (thrown instanceof StoreError) return thrown
  const { code, message } = rootOf(thrown)
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
    return new StoreError('busy', `The database ${path} is locked by another program.`, { cause: thrown })
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError('full', `The disk of the database ${path} is full.`, { cause: thrown })
  return new StoreError('failed', `The database ${path} failed: ${message}`, { cause: thrown })
}

/** The error at the end of the chain of causes that has a code. */
function rootOf(thrown: unknown): { code: string; message: string } {
  if (!(thrown instanceof Error)) return { code: '', message: String(thrown) }
  if ('code' in thrown && typeof thrown.code === 'string') return { code: thrown.code, message: thrown.message }
  return thrown.cause === undefined ? { code: '', message: thrown.message } : rootOf(thrown.cause)
}
