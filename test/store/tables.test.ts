import { getTableColumns, getTableName, is, Table } from 'drizzle-orm'
import { expect, test } from 'vitest'
import type * as postgres from '../../src/store/postgres/tables.js'
import * as postgresTables from '../../src/store/postgres/tables.js'
import type * as sqlite from '../../src/store/sqlite/tables.js'
import * as sqliteTables from '../../src/store/sqlite/tables.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Rows<T> = { [K in keyof T]: T[K] extends { $inferSelect: infer Row } ? Row : never }
type NewRows<T> = { [K in keyof T]: T[K] extends { $inferInsert: infer Row } ? { [C in keyof Row]: Row[C] } : never }

test('both databases have the same tables with the same columns, of the same types', () => {
  const selects: { [K in keyof typeof sqlite]: Same<Rows<typeof sqlite>[K], Rows<typeof postgres>[K]> } = TABLES
  const inserts: { [K in keyof typeof sqlite]: Same<NewRows<typeof sqlite>[K], NewRows<typeof postgres>[K]> } = TABLES
  expect(Object.keys(selects)).toEqual(Object.keys(inserts))
  const columnsOf = (tables: object) =>
    Object.fromEntries(
      Object.values(tables)
        .filter(table => is(table, Table))
        .map(table => [
          getTableName(table),
          Object.values(getTableColumns(table)).map(({ name, notNull }) => [name, notNull]),
        ]),
    )
  expect(columnsOf(postgresTables)).toEqual(columnsOf(sqliteTables))
  expect(Object.keys(columnsOf(sqliteTables))).toHaveLength(Object.keys(TABLES).length)
})

const TABLES = {
  tasks: true,
  transitions: true,
  callerQueues: true,
  twinQueues: true,
  stageCounts: true,
  submitQueue: true,
  nodes: true,
  usage: true,
  batches: true,
  uploads: true,
  upstreamAssets: true,
  assetCalls: true,
  apiKeys: true,
  secrets: true,
  gateway: true,
} as const
