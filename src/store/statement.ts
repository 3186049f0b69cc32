/**
 * A piece of work on the database, such as the body of a transaction. It is written as a generator and calls statements
 * with `yield*`:
 *
 *     function* find(id: string): Work<Task | null> {
 *       const row = yield* byId.get({ id })
 *       return row ? taskOf(row) : null
 *     }
 *
 * On SQLite every statement returns at once, so that the whole work is one turn of the event loop. On Postgres each
 * statement is yielded to the connection, which awaits it. Neither needs another version of the queries.
 */
export type Work<T> = Iterable<StatementCall, T, readonly unknown[]>

/** A statement to be run. */
export interface StatementCall {
  /** Names the prepared statement on the server. */
  readonly name: string
  readonly sql: string
  readonly values: readonly unknown[]
  /** The row of these cells; null: rows are objects as the driver makes them. */
  readonly toRow: ((cells: readonly unknown[]) => unknown) | null
}

/** The values of a statement's parameters, by name. */
export type Values = Readonly<Record<string, unknown>>

/** A prepared statement. */
export interface Statement<Row> {
  all(values?: Values): Work<Row[]>
  get(values?: Values): Work<Row | undefined>
  run(values?: Values): Work<void>
}

/** Work that is already done. */
export function done<T>(value: T): Work<T> {
  const result: IteratorReturnResult<T> = { done: true, value }
  return { [Symbol.iterator]: () => ({ next: () => result }) }
}

/** Carries out work whose statements all return at once. */
export function runAtOnce<T>(work: Work<T>): T {
  const result = work[Symbol.iterator]().next([])
  if (!result.done) throw new Error('A statement that has to be awaited was used in synchronous work.')
  return result.value
}
