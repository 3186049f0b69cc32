import { eq, sql } from 'drizzle-orm'
import { NEXT, STATUS_OF, type Stage, type Status, type Task } from '../tasks/task.js'
import type { Allowance, BatchReader, BatchRefusal, LimitReached, NewTask } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import type { ReadEarlier } from './reader.js'
import type { Work } from './statement.js'

/** Writes new tasks of one caller within one allowance, in a transaction that has their locks. */
type Insert = (
  created: readonly NewTask[],
  allowance: Allowance,
  hashes: readonly string[],
) => Work<Task[] | LimitReached>

/** Creates the tasks of a batch, within a transaction: all of them, or none. */
export function createBatchWriter({ db, tables, prepare }: Connection, readEarlier: ReadEarlier, insert: Insert) {
  const { batches } = tables
  const { placeholder } = sql
  const insertBatch = prepare(
    db.insert(batches).values({
      id: placeholder('id'),
      caller: placeholder('caller'),
      createdAt: placeholder('createdAt'),
      size: placeholder('size'),
    }),
  )
  const sizeOf = prepare(
    db
      .select({ size: batches.size })
      .from(batches)
      .where(eq(batches.id, placeholder('id'))),
  )

  return function* createBatch(
    batch: { readonly id: string; readonly caller: string; readonly createdAt: number },
    created: readonly NewTask[],
    allowance: Allowance,
    hashes: readonly string[],
  ): Work<Task[] | BatchRefusal> {
    const taken: { readonly index: number; readonly task: Task }[] = []
    for (const [index, order] of created.entries()) {
      const task = yield* readEarlier(order)
      if (task) taken.push({ index, task })
    }
    const batchId = taken[0]?.task.batchId ?? null
    if (taken.length > 0) {
      const isSame = batchId !== null && taken.every(({ task }) => task.batchId === batchId)
      const size = isSame ? (yield* sizeOf.get({ id: batchId }))?.size : undefined
      if (taken.length === created.length && size === created.length) return taken.map(({ task }) => task)
      return { refused: 'taken', indexes: taken.map(({ index }) => index) }
    }
    const inserted = yield* insert(created, allowance, hashes)
    if ('refused' in inserted) return inserted
    yield* insertBatch.run({ ...batch, size: created.length })
    return inserted
  }
}

export function createBatchReader({ db, tables, prepare, read }: Connection): BatchReader {
  const { batches, tasks } = tables
  const { placeholder } = sql
  const byId = prepare(
    db
      .select()
      .from(batches)
      .where(eq(batches.id, placeholder('id'))),
  )
  const countsOf = prepare(
    db
      .select({
        stage: tasks.stage,
        count: sql<number>`count(*)`,
        spentCents: sql<number>`coalesce(sum(${tasks.costCents}), 0)`,
        reservedCents: sql<number>`sum(${tasks.reservedCents})`,
      })
      .from(tasks)
      .where(eq(tasks.batchId, placeholder('id')))
      .groupBy(tasks.stage),
  )

  return {
    batch: async id => (await read(() => byId.get({ id }))) ?? null,

    async batchCounts(id) {
      const rows = await read(() => countsOf.all({ id }))
      const counts: Record<Status, number> = { PENDING: 0, PROCESSING: 0, SUCCESS: 0, FAILED: 0, CANCELED: 0 }
      for (const { stage, count } of rows) counts[STATUS_OF[stage]] += count
      const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
      return {
        tasks: counts,
        spentCents: sum(row => row.spentCents),
        reservedCents: sum(row => (isFinalStage(row.stage) ? 0 : row.reservedCents)),
      }
    },
  }
}

function isFinalStage(stage: Stage): boolean {
  return NEXT[stage].length === 0
}
