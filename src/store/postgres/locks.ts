import { createHash } from 'node:crypto'
import type { Locks } from '../connection.js'

/** The statement that takes one lock. Each has to be a statement of its own: what follows sees all that it waited for. */
export function lockStatements(schema: string, { history, submitQueue, caller, inputsHash }: Locks): string[] {
  return [
    ...(history ? [lockKey(schema, 'history')] : []),
    ...(submitQueue ? [lockKey(schema, 'submit queue')] : []),
    ...(caller === undefined ? [] : [lockKey(schema, 'caller', caller)]),
    ...(inputsHash === undefined ? [] : [lockKey(schema, 'inputs', inputsHash)]),
  ].map(key => `SELECT pg_advisory_xact_lock(${key})`)
}

/** The number of an advisory lock. They belong to the whole database, so that the schema is a part of it. */
export function lockKey(schema: string, kind: string, of = ''): string {
  return createHash('sha256').update(`${schema}\0${kind}\0${of}`).digest().readBigInt64BE().toString()
}
