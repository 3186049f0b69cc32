import pg from 'pg'
import type { Logger } from 'pino'

/** Connections of one gateway, besides the one for notifications. */
const POOL_SIZE = 10
const SESSION = {
  application_name: 'lipsync-gateway',
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
}
const TIMEOUTS = {
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 5_000,
}
/** `bigint`, and `numeric`, which sums of bigints are. All numbers of the store are safe integers. */
const NUMBER_TYPES = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC])
const types = {
  getTypeParser: ((oid: number, format?: 'text') =>
    NUMBER_TYPES.has(oid) ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

export function openPool(databaseUrl: string, name: string, log: Logger): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_SIZE, types, ...SESSION, ...TIMEOUTS })
  const onError = (err: Error) => log.warn({ err, database: name }, 'a connection to the database was lost')
  // Each client needs a listener of its own: without it, a connection that is cut while it is in use ends the process.
  pool.on('connect', client => void client.on('error', onError))
  pool.on('error', () => {})
  return pool
}

/** One connection without the time limits of the server, for migrations and notifications. */
export async function openClient(
  databaseUrl: string,
  limits: Pick<pg.ClientConfig, 'query_timeout'> = {},
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl, types, ...SESSION, ...limits })
  client.on('error', () => {})
  await client.connect()
  return client
}
