import { and, eq, sql } from 'drizzle-orm'
import { NEXT, STATUS_OF, type Stage, type Status, type Task } from '../../tasks/task.js'
import type { Allowance, BatchReader, BatchRefusal, LimitReached, NewTask } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import type { ReadEarlier } from './reader.js'
import { batches, tasks } from './tables.js'

/** What the writer of single tasks lends, within a transaction. */
export interface BatchWriterParts {
  readEarlier: ReadEarlier
  /** Checks the limits for all of the tasks together. */
  limitReached(created: readonly NewTask[], allowance: Allowance): LimitReached | null
  insert(created: NewTask): Task
}

/** Creates the tasks of a batch, within a transaction: all of them, or none. */
export function createBatchWriter({ db }: Pick<Connection, 'db'>, parts: BatchWriterParts) {
  return (
    { id, caller, createdAt }: { readonly id: string; readonly caller: string; readonly createdAt: number },
    created: readonly NewTask[],
    allowance: Allowance,
  ): Task[] | BatchRefusal => {
    const earlier = created.map(parts.readEarlier)
    const taken = earlier.flatMap((task, index) => (task ? [{ index, task }] : []))
    if (taken.length > 0) {
      const batchId = taken[0]?.task.batchId ?? null
      const isSame = batchId !== null && taken.every(({ task }) => task.batchId === batchId)
      const size = batchId && db.select().from(batches).where(eq(batches.id, batchId)).get()?.size
      if (isSame && taken.length === created.length && size === created.length) return taken.map(({ task }) => task)
      return { refused: 'taken', indexes: taken.map(({ index }) => index) }
    }
    const limit = parts.limitReached(created, allowance)
    if (limit) return limit
    db.insert(batches).values({ id, caller, createdAt, size: created.length }).run()
    return created.map(parts.insert)
  }
}

export function createBatchReader({ db, read }: Connection): BatchReader {
  return {
    batch: id => read(() => db.select().from(batches).where(eq(batches.id, id)).get() ?? null),

    batchCounts: id =>
      read(() => {
        const rows = db
          .select({
            stage: tasks.stage,
            count: sql<number>`count(*)`,
            spentCents: sql<number>`coalesce(sum(${tasks.costCents}), 0)`,
            reservedCents: sql<number>`sum(${tasks.reservedCents})`,
          })
          .from(tasks)
          .where(and(eq(tasks.batchId, id), sql`${tasks.batchId} IS NOT NULL`))
          .groupBy(tasks.stage)
          .all()
        const counts: Record<Status, number> = { PENDING: 0, PROCESSING: 0, SUCCESS: 0, FAILED: 0, CANCELED: 0 }
        for (const { stage, count } of rows) counts[STATUS_OF[stage]] += count
        const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
        return {
          tasks: counts,
          spentCents: sum(row => row.spentCents),
          reservedCents: sum(row => (isFinalStage(row.stage) ? 0 : row.reservedCents)),
        }
      }),
  }
}

function isFinalStage(stage: Stage): boolean {
  return NEXT[stage].length === 0
}
