import { and, asc, desc, eq, gt, type SQL, sql } from 'drizzle-orm'
import type { LogQuery, LogSelection, TaskFilter, TaskLog, Transition } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import { type TaskRow, type TransitionRow, taskAt } from './row.js'
import type { Work } from './statement.js'

/** The log. Each selection is a walk along its own index that stops at the limit. */
export function createLog({
  db,
  tables,
  prepare,
  readDurable,
  readDurableSnapshot,
}: Connection): Omit<TaskLog, 'epoch'> {
  const { tasks, transitions } = tables
  const { placeholder } = sql
  const isTask = eq(transitions.taskId, placeholder('taskId'))
  const isCaller = eq(transitions.caller, placeholder('caller'))
  const isReference = eq(transitions.reference, placeholder('reference'))
  const isBatch = eq(transitions.batchId, placeholder('batchId'))
  const stepsOf = (selection?: SQL) =>
    prepare(
      db
        .select()
        .from(transitions)
        .innerJoin(tasks, eq(tasks.id, transitions.taskId))
        .where(and(selection, gt(transitions.seq, placeholder('seq'))))
        .orderBy(asc(transitions.seq))
        .limit(placeholder('limit')),
    )
  const endOf = (selection?: SQL) =>
    prepare(
      db.select({ seq: transitions.seq }).from(transitions).where(selection).orderBy(desc(transitions.seq)).limit(1),
    )

  const ofTask = stepsOf(isTask)
  const ofCaller = stepsOf(isCaller)
  const ofReference = stepsOf(isReference)
  const ofCallerAndReference = stepsOf(and(isCaller, isReference))
  const ofBatch = stepsOf(isBatch)
  const ofBatchAndReference = stepsOf(and(isBatch, isReference))
  const ofAll = stepsOf()
  const endOfTask = endOf(isTask)
  const endOfCaller = endOf(isCaller)
  const endOfAll = endOf()

  function* select(seq: number, query: LogQuery): Work<Transition[]> {
    const { limit } = query
    if ('taskId' in query) return (yield* ofTask.all({ seq, limit, taskId: query.taskId })).map(toTransition)
    const { caller, reference, batchId, ids } = query.filter
    if (ids) return yield* ofTasks(seq, ids, query.filter, limit)
    const values = { seq, limit, caller, reference, batchId }
    // A batch belongs to one caller, whom the service has checked.
    if (batchId !== undefined)
      return (yield* (reference === undefined ? ofBatch : ofBatchAndReference).all(values)).map(toTransition)
    if (caller !== undefined && reference !== undefined)
      return (yield* ofCallerAndReference.all(values)).map(toTransition)
    if (caller !== undefined) return (yield* ofCaller.all(values)).map(toTransition)
    if (reference !== undefined) return (yield* ofReference.all(values)).map(toTransition)
    return (yield* ofAll.all(values)).map(toTransition)
  }

  /** One walk for each task: the database would sort the rows of several tasks. */
  function* ofTasks(seq: number, ids: readonly string[], filter: TaskFilter, limit: number): Work<Transition[]> {
    const { caller, reference, batchId } = filter
    const found: Transition[] = []
    for (const taskId of new Set(ids)) found.push(...(yield* ofTask.all({ seq, limit, taskId })).map(toTransition))
    return found
      .filter(({ task }) => caller === undefined || task.caller === caller)
      .filter(({ task }) => reference === undefined || task.reference === reference)
      .filter(({ task }) => batchId === undefined || task.batchId === batchId)
      .sort((a, b) => a.task.seq - b.task.seq)
      .slice(0, limit)
  }

  function* end(selection: LogSelection): Work<number> {
    if ('taskId' in selection) return (yield* endOfTask.get(selection))?.seq ?? 0
    const { caller } = selection.filter
    return (caller === undefined ? yield* endOfAll.get() : yield* endOfCaller.get({ caller }))?.seq ?? 0
  }

  return {
    transitionsAfter(seq, query) {
      // Between the walks of several tasks a later step could come up before an earlier one.
      const isOneWalk = 'taskId' in query || !query.filter.ids
      return (isOneWalk ? readDurable : readDurableSnapshot)(() => select(seq, query))
    },
    lastSeq: selection => readDurable(() => end(selection)),
  }
}

function toTransition(row: { tasks: TaskRow; transitions: TransitionRow }): Transition {
  const { at, reason } = row.transitions
  return { task: taskAt(row.transitions, row.tasks), at, reason }
}
