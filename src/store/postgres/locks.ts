import { createHash } from 'node:crypto'
import type { Locks } from '../connection.js'

/**
 * The statements that take the locks. Each kind has to be a statement of its own: what follows sees all that it waited
 * for. Locks of several groups of twins are taken in one order, so that two transactions never wait for each other.
 */
export function lockStatements(schema: string, { history, submitQueue, caller, inputsHash }: Locks): string[] {
  return [
    ...(history ? [[lockKey(schema, 'history')]] : []),
    ...(submitQueue ? [[lockKey(schema, 'submit queue')]] : []),
    ...(caller === undefined ? [] : [[lockKey(schema, 'caller', caller)]]),
    ...(inputsHash === undefined ? [] : [keysOfTwins(schema, inputsHash)]),
  ].map(keys => `SELECT pg_advisory_xact_lock(key) FROM unnest('{${keys}}'::bigint[]) AS key`)
}

/** The number of an advisory lock. They belong to the whole database, so that the schema is a part of it. */
export function lockKey(schema: string, kind: string, of = ''): string {
  return createHash('sha256').update(`${schema}\0${kind}\0${of}`).digest().readBigInt64BE().toString()
}

function keysOfTwins(schema: string, inputsHash: string | readonly string[]): string[] {
  return [...new Set([inputsHash].flat())].sort().map(hash => lockKey(schema, 'inputs', hash))
}
