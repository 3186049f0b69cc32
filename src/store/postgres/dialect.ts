import { sql } from 'drizzle-orm'
import type { Dialect } from '../connection.js'
import { postgresPollQueries } from './poll-queries.js'

export const postgresDialect: Dialect = {
  isAmong: (column, parameter) => sql`${column} = ANY(${sql.placeholder(parameter)}::text[])`,
  list: values => [...values],
  isQueuedByAge: stage => sql`${stage} = 'queued'`,
  isFree: isHeld => sql`${isHeld} = false`,
  isKept: isKept => sql`${isKept} = true`,
  least: (a, b) => sql`least(${a}, ${b})`,
  greatest: (a, b) => sql`greatest(${a}, ${b})`,
  idsOfList: 'SELECT unnest(@ids::text[])',
  pollQueries: postgresPollQueries,
}
