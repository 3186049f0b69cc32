import { StoreError } from '../../tasks/store-error.js'

/** The codes of Postgres after which the same transaction may succeed: a serialisation failure and a deadlock. */
const REPEATABLE = new Set(['40001', '40P01'])

/** The error of the pool, which has no code. */
const POOL_IS_EXHAUSTED = 'timeout exceeded when trying to connect'

/** The errors of `pg` for connections that were cut, which have no code. */
const CONNECTION_MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'Query read timeout',
]

export function isRepeatable(thrown: unknown): boolean {
  return REPEATABLE.has(codeOf(thrown))
}

/** Converts an error of Postgres or of the network to a `StoreError`. The message names the database. */
export function toStoreError(thrown: unknown, name: string): StoreError {
  if (thrown instanceof StoreError) return thrown
  const code = codeOf(thrown)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (code === '55P03' || REPEATABLE.has(code))
    return new StoreError('busy', `The database ${name} is locked by other transactions.`, { cause: thrown })
  if (message === POOL_IS_EXHAUSTED)
    return new StoreError('busy', `No connection to the database ${name} became free in time.`, { cause: thrown })
  if (code === '53100') return new StoreError('full', `The disk of the database ${name} is full.`, { cause: thrown })
  if (code === '25006') return new StoreError('failed', standbyMessage(name), { cause: thrown })
  if (isConnectionError(thrown, code))
    return new StoreError('unreachable', `The connection to the database ${name} failed: ${message || code}`, {
      cause: thrown,
    })
  return new StoreError('failed', `The database ${name} failed: ${message || code}`, { cause: thrown })
}

/** Errors of the network and of `pg` have no SQLSTATE. 57P01 to 57P03: the server is shutting down or starting. */
function isConnectionError(thrown: unknown, code: string): boolean {
  if (/^(08...|57P0[1-3]|53300)$/.test(code)) return true
  if (/^E[A-Z]+$/.test(code)) return true
  return thrown instanceof Error && CONNECTION_MESSAGES.some(message => thrown.message.includes(message))
}

export function standbyMessage(name: string): string {
  return `The database ${name} is a standby and cannot be written. Connect to the primary.`
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
}
