import { and, desc, eq, sql } from 'drizzle-orm'
import type { Task } from '../../tasks/task.js'
import type { TaskReader } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { hashOf } from './inputs-hash.js'
import { createPages } from './pages.js'
import { taskOf } from './row.js'
import { tasks } from './tables.js'

export function createReader(connection: Connection): TaskReader & { readEarlier: ReadEarlier } {
  const { db, read, readDurable } = connection
  const { placeholder } = sql
  const byId = db
    .select()
    .from(tasks)
    .where(eq(tasks.id, placeholder('id')))
    .prepare()
  const byIds = db
    .select()
    .from(tasks)
    .where(sql`${tasks.id} IN (SELECT value FROM json_each(${placeholder('ids')}))`)
    .prepare()
  const byIdempotencyKey = db
    .select()
    .from(tasks)
    .where(and(eq(tasks.caller, placeholder('caller')), eq(tasks.idempotencyKey, placeholder('idempotencyKey'))))
    .prepare()
  const byInputs = db
    .select()
    .from(tasks)
    .where(and(eq(tasks.caller, placeholder('caller')), eq(tasks.inputsHash, placeholder('inputsHash'))))
    .orderBy(desc(tasks.createdSeq))
    .limit(1)
    .prepare()
  const byRetryOf = db
    .select()
    .from(tasks)
    .where(eq(tasks.retryOf, placeholder('retryOf')))
    .prepare()

  const readMany = (ids: readonly string[]) => byIds.all({ ids: JSON.stringify(ids) }).map(taskOf)
  const readEarlier: ReadEarlier = ({ caller, idempotencyKey, retryOf }) => {
    const row =
      (idempotencyKey === null ? undefined : byIdempotencyKey.get({ caller, idempotencyKey })) ??
      (retryOf === null ? undefined : byRetryOf.get({ retryOf }))
    return row ? taskOf(row) : null
  }

  return {
    get: id =>
      read(() => {
        const row = byId.get({ id })
        return row ? taskOf(row) : null
      }),
    getMany: ids => read(() => new Map(readMany(ids).map(task => [task.id, task]))),
    earlier: of => readDurable(() => readEarlier(of)),
    latestByInputs: (caller, inputs) =>
      readDurable(() => {
        const row = byInputs.get({ caller, inputsHash: hashOf(inputs) })
        return row ? taskOf(row) : null
      }),
    page: createPages(connection, readMany),
    readEarlier,
  }
}

/** `TaskReader.earlier` within a transaction. */
export type ReadEarlier = (of: Parameters<TaskReader['earlier']>[0]) => Task | null
