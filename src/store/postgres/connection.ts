import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import { builtQuery, type DrizzleQuery } from '../built-query.js'
import type { Connection, Database, Locks, Tables } from '../connection.js'
import type { Statement, StatementCall, Values, Work } from '../statement.js'
import { postgresDialect } from './dialect.js'
import { isRepeatable, toStoreError } from './errors.js'
import { lockStatements } from './locks.js'
import { channelOf, encodeKeysChanged } from './notification.js'
import * as postgresTables from './tables.js'

/** How long each attempt waits after one that met a deadlock or a serialisation failure, at most. */
const RETRY_DELAYS_MS = [10, 20, 40, 80]
const SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'
const NOTHING: Values = {}

/** The one place where the queries, which are written against the types of SQLite, get the builder of Postgres. */
const db = drizzle.mock() as unknown as Database
const tables = postgresTables as unknown as Tables

/**
 * @param name names the database in errors
 * @param schema the schema of the tables
 */
export function createConnection(pool: pg.Pool, name: string, schema: string): Connection {
  async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let isBroken = true
    try {
      const result = await work(client)
      isBroken = false
      return result
    } catch (thrown) {
      // An error of the database itself leaves the connection in order.
      isBroken = !(thrown instanceof Error && 'severity' in thrown && thrown.severity === 'ERROR')
      throw thrown
    } finally {
      client.release(isBroken)
    }
  }

  function transact<T>(begin: readonly string[], work: () => Work<T>): Promise<T> {
    return withClient(async client => {
      try {
        await client.query(begin.join('; '))
        const result = await drive(client, work())
        await client.query('COMMIT')
        return result
      } catch (thrown) {
        await client.query('ROLLBACK').catch(() => {})
        throw thrown
      }
    })
  }

  async function repeat<T>(attempt: () => Promise<T>): Promise<T> {
    for (const delayMs of RETRY_DELAYS_MS) {
      try {
        return await attempt()
      } catch (thrown) {
        if (!isRepeatable(thrown)) throw toStoreError(thrown, name)
        await wait(delayMs * (0.5 + Math.random() / 2))
      }
    }
    try {
      return await attempt()
    } catch (thrown) {
      throw toStoreError(thrown, name)
    }
  }

  const read = <T>(work: () => Work<T>) => repeat(() => withClient(client => drive(client, work())))
  const readSnapshot = <T>(work: () => Work<T>) => repeat(() => transact([SNAPSHOT], work))
  const inTurn = createTurns()
  /** Writers of this process that would wait for each other do so before they take a connection, of which there are few. */
  const write = <T>(begin: readonly string[], locks: Locks, work: () => Work<T>) =>
    inTurn(turnOf(locks), () => repeat(() => transact([...begin, ...lockStatements(schema, locks)], work)))

  return {
    db,
    tables,
    dialect: postgresDialect,
    isShared: true,
    prepare: query => statementOf(builtQuery(query.prepare() as unknown as DrizzleQuery)),
    prepareSql: sql => statementOf(namedParameters(sql)),
    read,
    readSnapshot,
    // Commits of steps become visible when they are on the disk.
    readDurable: read,
    readDurableSnapshot: readSnapshot,
    write: (locks, work) => write(['BEGIN'], locks, work),
    writeUnsynced: (locks, work) => write(['BEGIN', 'SET LOCAL synchronous_commit = off'], locks, work),
    *lock(locks) {
      for (const sql of lockStatements(schema, locks)) yield { name: '', sql, values: [], toRow: null }
    },
    *announceKeys() {
      const values = [channelOf(schema), encodeKeysChanged()]
      yield { name: '', sql: 'SELECT pg_notify($1, $2)', values, toRow: null }
    },
    close: () => pool.end(),
  }
}

/** Carries out work, statement by statement. */
async function drive<T>(client: pg.PoolClient, work: Work<T>): Promise<T> {
  const steps = work[Symbol.iterator]()
  let step = steps.next([])
  while (!step.done) step = steps.next(await run(client, step.value))
  return step.value
}

async function run(client: pg.PoolClient, { name, sql: text, values, toRow }: StatementCall): Promise<unknown[]> {
  const prepared = { ...(name && { name }), text, values: values.map(withoutNul) }
  if (!toRow) return (await client.query(prepared)).rows
  return (await client.query({ ...prepared, rowMode: 'array' })).rows.map(toRow)
}

/** Postgres stores no NUL character. */
function withoutNul(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '') : value
}

function turnOf({ submitQueue, caller }: Locks): string | null {
  if (submitQueue) return 'submit queue'
  return caller === undefined ? null : `caller ${caller}`
}

/** Runs what has the same key one after the other. */
function createTurns() {
  const latest = new Map<string, Promise<unknown>>()
  return <T>(key: string | null, work: () => Promise<T>): Promise<T> => {
    if (key === null) return work()
    const before = latest.get(key)
    const turn = before ? before.then(work, work) : work()
    latest.set(key, turn)
    const forget = () => {
      if (latest.get(key) === turn) latest.delete(key)
    }
    turn.then(forget, forget)
    return turn
  }
}

type Built = Pick<ReturnType<typeof builtQuery>, 'sql' | 'bind' | 'toRow'>

function statementOf<Row>({ sql, bind, toRow }: Built): Statement<Row> {
  const name = createHash('sha256').update(sql).digest('base64url').slice(0, 20)
  function* all(values: Values = NOTHING): Work<Row[]> {
    return (yield { name, sql, values: bind(values), toRow }) as Row[]
  }
  return {
    all,
    *get(values) {
      const [row] = yield* all(values)
      return row
    },
    *run(values) {
      yield* all(values)
    },
  }
}

/** SQL with parameters written as `@name`. */
function namedParameters(sql: string): Built {
  const names = [...new Set([...sql.matchAll(/@(\w+)/g)].map(([, parameter = '']) => parameter))]
  return {
    sql: sql.replace(/@(\w+)/g, (_, parameter: string) => `$${names.indexOf(parameter) + 1}`),
    bind: values => names.map(parameter => values[parameter]),
    toRow: null,
  }
}
