import { sql } from 'drizzle-orm'
import type { Dialect } from '../connection.js'
import { sqlitePollQueries } from './poll-queries.js'

export const sqliteDialect: Dialect = {
  isAmong: (column, parameter) => sql`${column} IN (SELECT value FROM json_each(${sql.placeholder(parameter)}))`,
  list: values => JSON.stringify(values),
  isQueuedByAge: stage => sql`+${stage} = 'queued'`,
  isFree: isHeld => sql`${isHeld} = 0`,
  isKept: isKept => sql`${isKept} = 1`,
  least: (a, b) => sql`min(${a}, ${b})`,
  greatest: (a, b) => sql`max(${a}, ${b})`,
  idsOfList: 'SELECT value FROM json_each(@ids)',
  pollQueries: sqlitePollQueries,
}
