import type { SQL, SQLWrapper } from 'drizzle-orm'
import type { Polled } from '../tasks/task-store.js'
import type { Statement, Work } from './statement.js'

export type Tables = typeof import('./sqlite/tables.js')
export type Database = import('drizzle-orm/better-sqlite3').BetterSQLite3Database

/**
 * An open database. Everything that reads or writes goes through it and rejects with a `StoreError`.
 *
 * `work` is a function because it may be called again: after a lock of another program, a deadlock or a serialisation
 * failure the whole work is repeated. It must have no effect but those of its statements.
 *
 * The queries are written against the types of SQLite. `postgres/connection.ts` hands in its own builder and tables in
 * their place; `test/store/tables.test.ts` holds that the tables are the same.
 */
export interface Connection {
  /** Builds queries. They are run by `prepare` only. */
  readonly db: Database
  readonly tables: Tables
  readonly dialect: Dialect
  /** Whether other gateways may be open on the database. */
  readonly isShared: boolean
  /** Prepares a query, with a parameter for each of its placeholders. */
  prepare<Q extends Query>(query: Q): Statement<RowOf<Q>>
  /** Prepares SQL that both dialects understand, or the dialect's own, with parameters written as `@name`. */
  prepareSql<Row>(sql: string): Statement<Row>
  /** What a query sees may still be on its way to the disk, so that a power cut could undo it. */
  read<T>(work: () => Work<T>): Promise<T>
  /** Resolves when all that the query saw is on the disk. */
  readDurable<T>(work: () => Work<T>): Promise<T>
  /** Like `readDurable`, but all statements see the same state. */
  readDurableSnapshot<T>(work: () => Work<T>): Promise<T>
  /** Like `read`, but all statements see the same state. */
  readSnapshot<T>(work: () => Work<T>): Promise<T>
  /** Runs `work` in one transaction that is on the disk when the promise resolves. */
  write<T>(locks: Locks, work: () => Work<T>): Promise<T>
  /** The same, but a power cut may undo it. */
  writeUnsynced<T>(locks: Locks, work: () => Work<T>): Promise<T>
  /** Takes further locks within a transaction. */
  lock(locks: Locks): Work<void>
  /** Within a transaction: its commit reports to the other gateways that the keys changed. */
  announceKeys(): Work<void>
  close(): Promise<void>
}

/**
 * What a transaction locks until it ends, against other transactions that lock the same. They are taken in the order of
 * the fields, by `write` before anything else; a transaction never locks two callers. One writer at a time makes all of
 * this superfluous on SQLite.
 *
 * - The lock of a caller makes its steps visible in the order of their numbers, and its counts and limits exact.
 * - The lock of a group of twins keeps `twin_queues.is_held` true to the tasks of all callers.
 */
export interface Locks {
  /** Which history of the database the gateways are on. */
  readonly history?: boolean | undefined
  /** The submit queue: its pause and the window of the latest submits. */
  readonly submitQueue?: boolean | undefined
  readonly caller?: string | undefined
  readonly inputsHash?: string | readonly string[] | undefined
}

export const NO_LOCKS: Locks = {}

/** Where the SQL of the databases differs. */
export interface Dialect {
  /** Whether a column is one of a list, given as the parameter of this name. */
  isAmong(column: SQLWrapper, parameter: string): SQL
  /** A list as the value of such a parameter. */
  list(values: readonly string[]): unknown
  /** The condition of the index of queued tasks by age. The index is used for these very words only. */
  isQueuedByAge(stage: SQLWrapper): SQL
  /** The condition of the index of the heads of groups of twins that may leave. */
  isFree(isHeld: SQLWrapper): SQL
  /** The condition of the indexes of uploads whose files are kept. */
  isKept(isKept: SQLWrapper): SQL
  /** The lesser of two values. */
  least(a: SQLWrapper, b: SQLWrapper): SQL
  /** The greater of two values. */
  greatest(a: SQLWrapper, b: SQLWrapper): SQL
  /** For `prepareSql`: the rows of a list that is the parameter `@ids`. */
  readonly idsOfList: string
  pollQueries(connection: Connection): PollQueries
}

/** The two statements of the poll queue that the databases share nothing of. */
export interface PollQueries {
  /** The rows as they were before they were taken. */
  takeDue(values: {
    readonly nowMono: number
    readonly leaseMono: number
    readonly limit: number
    readonly except: unknown
  }): Work<Tables['tasks']['$inferSelect'][]>
  savePollStates(states: readonly Polled[]): Work<void>
}

/** A query of Drizzle's builder. */
export interface Query {
  prepare(): { all(values?: Record<string, unknown>): unknown }
}

type RowOf<Q extends Query> = ReturnType<ReturnType<Q['prepare']>['all']> extends (infer Row)[] ? Row : never
