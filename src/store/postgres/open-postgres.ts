import type pg from 'pg'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { StoreError } from '../../tasks/store-error.js'
import type { Connection } from '../connection.js'
import type { Closers, OpenStore, StoreConfig } from '../store-state.js'
import { createConnection } from './connection.js'
import { describePostgres } from './database-url.js'
import { standbyMessage, toStoreError } from './errors.js'
import { migrate } from './migrate.js'
import { startNotifications } from './notifications.js'
import { openClient, openPool } from './pool.js'
import { openPostgresState } from './postgres-state.js'

/** Opens a Postgres database for one of the gateways that run on it. */
export async function openPostgres(
  { databaseUrl, databaseDirectUrl, restored = false }: StoreConfig,
  systemClock: Clock,
  log: Logger,
  closers: Closers,
): Promise<OpenStore> {
  const name = describePostgres(databaseUrl)
  const schema = await prepareDatabase(databaseUrl, name)
  const connection = createConnection(openPool(databaseUrl, name, log), name, schema)
  closers.push(connection.close)
  const state = await openPostgresState({ connection, name, systemClock, log, restored })
  closers.push(() => state[Symbol.asyncDispose]())
  const url = databaseDirectUrl ?? databaseUrl
  const feed = startNotifications({ connection, url, name, schema, clock: systemClock, log })
  closers.push(() => feed[Symbol.asyncDispose]())
  return { connection, state, feed }
}

/** Brings the tables up to date and opens a pool of connections. */
export async function connectPostgres(databaseUrl: string, log: Logger): Promise<Connection> {
  const name = describePostgres(databaseUrl)
  const schema = await prepareDatabase(databaseUrl, name)
  return createConnection(openPool(databaseUrl, name, log), name, schema)
}

/** Brings the tables up to date. Returns the name of their schema. */
export async function prepareDatabase(databaseUrl: string, name = describePostgres(databaseUrl)): Promise<string> {
  let client: pg.Client | null = null
  try {
    client = await openClient(databaseUrl)
    const { rows } = await client.query('SELECT pg_is_in_recovery() AS "isStandby", current_schema() AS schema')
    const [{ isStandby, schema }] = rows as [{ isStandby: boolean; schema: string | null }]
    if (isStandby) throw new StoreError('failed', standbyMessage(name))
    if (schema === null)
      throw new StoreError('failed', `The database ${name} has none of the schemas of its search_path.`)
    await migrate(client, name, schema)
    return schema
  } catch (thrown) {
    throw toStoreError(thrown, name)
  } finally {
    await client?.end()
  }
}
