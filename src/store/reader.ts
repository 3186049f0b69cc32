import { and, desc, eq, sql } from 'drizzle-orm'
import type { HashedInputs, Task } from '../tasks/task.js'
import type { TaskReader } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import { hashOf } from './inputs-hash.js'
import { createPages } from './pages.js'
import { taskOf } from './row.js'
import type { Work } from './statement.js'

export function createReader(connection: Connection): TaskReader & { readEarlier: ReadEarlier } {
  const { db, tables, dialect, prepare, read, readDurable } = connection
  const { tasks } = tables
  const { placeholder } = sql
  const byId = prepare(
    db
      .select()
      .from(tasks)
      .where(eq(tasks.id, placeholder('id'))),
  )
  const byIds = prepare(db.select().from(tasks).where(dialect.isAmong(tasks.id, 'ids')))
  const byIdempotencyKey = prepare(
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.caller, placeholder('caller')), eq(tasks.idempotencyKey, placeholder('idempotencyKey')))),
  )
  const byInputs = prepare(
    db
      .select()
      .from(tasks)
      .where(and(eq(tasks.caller, placeholder('caller')), eq(tasks.inputsHash, placeholder('inputsHash'))))
      .orderBy(desc(tasks.createdSeq))
      .limit(1),
  )
  const byRetryOf = prepare(
    db
      .select()
      .from(tasks)
      .where(eq(tasks.retryOf, placeholder('retryOf'))),
  )

  function* find(id: string): Work<Task | null> {
    const row = yield* byId.get({ id })
    return row ? taskOf(row) : null
  }

  function* findByInputs(caller: string, inputs: HashedInputs): Work<Task | null> {
    const row = yield* byInputs.get({ caller, inputsHash: hashOf(inputs) })
    return row ? taskOf(row) : null
  }

  function* readMany(ids: readonly string[]): Work<Task[]> {
    return (yield* byIds.all({ ids: dialect.list(ids) })).map(taskOf)
  }

  function* readEarlier({ caller, idempotencyKey, retryOf }: Parameters<ReadEarlier>[0]): Work<Task | null> {
    const row =
      (idempotencyKey === null ? undefined : yield* byIdempotencyKey.get({ caller, idempotencyKey })) ??
      (retryOf === null ? undefined : yield* byRetryOf.get({ retryOf }))
    return row ? taskOf(row) : null
  }

  return {
    get: id => read(() => find(id)),
    getMany: async ids => new Map((await read(() => readMany(ids))).map(task => [task.id, task])),
    earlier: of => readDurable(() => readEarlier(of)),
    latestByInputs: (caller, inputs) => readDurable(() => findByInputs(caller, inputs)),
    page: createPages(connection, readMany),
    readEarlier,
  }
}

/** `TaskReader.earlier` within a transaction. */
export type ReadEarlier = (of: Parameters<TaskReader['earlier']>[0]) => Work<Task | null>
