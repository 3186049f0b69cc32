import { and, asc, desc, eq, gt, type SQL, sql } from 'drizzle-orm'
import type { LogQuery, TaskFilter, TaskLog, Transition } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { type TaskRow, type TransitionRow, taskAt } from './row.js'
import { tasks, transitions } from './tables.js'

/** The log. Each selection is a walk along its own index that stops at the limit. */
export function createLog({ db, readDurable }: Connection): Omit<TaskLog, 'epoch'> {
  const { placeholder } = sql
  const isTask = eq(transitions.taskId, placeholder('taskId'))
  const isCaller = eq(transitions.caller, placeholder('caller'))
  const isReference = eq(transitions.reference, placeholder('reference'))
  const prepare = (selection?: SQL) =>
    db
      .select()
      .from(transitions)
      .innerJoin(tasks, eq(tasks.id, transitions.taskId))
      .where(and(selection, gt(transitions.seq, placeholder('seq'))))
      .orderBy(asc(transitions.seq))
      .limit(placeholder('limit'))
      .prepare()

  const isBatch = eq(transitions.batchId, placeholder('batchId'))
  const ofBatch = prepare(isBatch)
  const ofBatchAndReference = prepare(and(isBatch, isReference))
  const ofTask = prepare(isTask)
  const ofCaller = prepare(isCaller)
  const ofReference = prepare(isReference)
  const ofCallerAndReference = prepare(and(isCaller, isReference))
  const ofAll = prepare()
  const end = db.select({ seq: transitions.seq }).from(transitions).orderBy(desc(transitions.seq)).limit(1).prepare()

  function select(seq: number, query: LogQuery): Transition[] {
    const { limit } = query
    if ('taskId' in query) return ofTask.all({ seq, limit, taskId: query.taskId }).map(toTransition)
    const { caller, reference, batchId, ids } = query.filter
    if (ids) return ofTasks(seq, ids, query.filter, limit)
    const values = { seq, limit, caller, reference, batchId }
    // A batch belongs to one caller, whom the service has checked.
    if (batchId !== undefined)
      return (reference === undefined ? ofBatch : ofBatchAndReference).all(values).map(toTransition)
    if (caller !== undefined && reference !== undefined) return ofCallerAndReference.all(values).map(toTransition)
    if (caller !== undefined) return ofCaller.all(values).map(toTransition)
    if (reference !== undefined) return ofReference.all(values).map(toTransition)
    return ofAll.all(values).map(toTransition)
  }

  /** One walk for each task: SQLite would sort the rows of several tasks. */
  function ofTasks(seq: number, ids: readonly string[], filter: TaskFilter, limit: number): Transition[] {
    const { caller, reference, batchId } = filter
    return [...new Set(ids)]
      .flatMap(taskId => ofTask.all({ seq, limit, taskId }).map(toTransition))
      .filter(({ task }) => caller === undefined || task.caller === caller)
      .filter(({ task }) => reference === undefined || task.reference === reference)
      .filter(({ task }) => batchId === undefined || task.batchId === batchId)
      .sort((a, b) => a.task.seq - b.task.seq)
      .slice(0, limit)
  }

  return {
    transitionsAfter: (seq, query) => readDurable(() => select(seq, query)),
    lastSeq: () => readDurable(() => end.get()?.seq ?? 0),
  }
}

function toTransition(row: { tasks: TaskRow; transitions: TransitionRow }): Transition {
  const { at, reason } = row.transitions
  return { task: taskAt(row.transitions, row.tasks), at, reason }
}
