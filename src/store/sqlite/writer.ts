import { and, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { NOT_POLLED, type PollState } from '../../tasks/poll-state.js'
import type { Task } from '../../tasks/task.js'
import type { Allowance, LimitReached, NewTask, Step, TaskWriter } from '../../tasks/task-store.js'
import { createBatchWriter } from './batches.js'
import type { Connection } from './connection.js'
import type { SubmitCount } from './gateway-state.js'
import { hashOf } from './inputs-hash.js'
import { createQueueCounts } from './queue-counts.js'
import type { ReadEarlier } from './reader.js'
import { STATE_COLUMNS, stateToRow, taskIn, withState } from './row.js'
import { tasks, transitions } from './tables.js'
import { createAccounts } from './usage.js'

const POLL_COLUMNS = ['dueMono', 'checks', 'failures', 'absences', 'problem'] as const satisfies (keyof PollState)[]

/** Writes tasks and their log. */
export function createWriter(connection: Connection, readEarlier: ReadEarlier, submits: SubmitCount): TaskWriter {
  const { sqlite, db, write } = connection
  const { placeholder } = sql
  const counts = createQueueCounts(connection)
  const accounts = createAccounts(connection)

  const { seq: _, ...stepColumns } = placeholdersOf(transitions)
  const insertStep = db.insert(transitions).values(stepColumns).returning({ seq: transitions.seq }).prepare()
  const insertTask = db.insert(tasks).values(placeholdersOf(tasks)).prepare()
  const update = db
    .update(tasks)
    .set(settersOf([...STATE_COLUMNS, 'seq', 'lookupFirst', ...POLL_COLUMNS]))
    .where(eq(tasks.id, placeholder('id')))
    .prepare()
  const unmoved = db
    .select({ inputsHash: tasks.inputsHash, createdSeq: tasks.createdSeq })
    .from(tasks)
    .where(
      and(eq(tasks.id, placeholder('id')), eq(tasks.stage, placeholder('stage')), eq(tasks.seq, placeholder('seq'))),
    )
    .prepare()

  function append(task: Task, { at, mono, reason }: Omit<Step, 'poll'>): number {
    const { id: taskId, caller, reference, batchId } = task
    return insertStep.get({ taskId, caller, reference, batchId, at, mono, reason, ...stateToRow(task) }).seq
  }

  /** Whether tasks of one caller, created at the same time, together exceed the allowance. */
  function limitReached(created: readonly NewTask[], { waitingTasks, monthlyCents }: Allowance): LimitReached | null {
    const [first] = created
    if (!first) return null
    if (waitingTasks !== null && counts.waitingOf(first.caller) + created.length > waitingTasks)
      return { refused: 'waitingTasks' }
    if (monthlyCents === null) return null
    const leftCents = monthlyCents - accounts.usedCents(first)
    const neededCents = created.reduce((sum, task) => sum + task.reservedCents, 0)
    return neededCents > leftCents ? { refused: 'monthlyCents', leftCents: Math.max(leftCents, 0) } : null
  }

  function create(created: NewTask, allowance: Allowance): Task | LimitReached {
    return readEarlier(created) ?? limitReached([created], allowance) ?? insert(created)
  }

  function insert(created: NewTask): Task {
    // The log refers to the task, whose row in turn has the number of its first transition.
    sqlite.pragma('defer_foreign_keys = ON')
    const unnumbered = { ...created, lookupFirst: false, seq: 0 }
    const seq = append(unnumbered, { at: created.createdAt, mono: created.queuedMono, reason: null })
    const task = { ...unnumbered, seq }
    const inputsHash = hashOf(task)
    const place = { caller: task.caller, inputsHash, createdSeq: seq }
    insertTask.run({ ...task, ...stateToRow(task), ...place, ...NOT_POLLED })
    accounts.created(task)
    counts.created(place)
    return task
  }

  const createBatch = createBatchWriter(connection, { readEarlier, limitReached, insert })

  function move(from: Task, to: Task, step: Step): Task | null {
    const { id, caller, stage, seq: known } = from
    const place = unmoved.get({ id, stage, seq: known })
    if (!place) return null
    const seq = append(to, step)
    const state = stateToRow(to)
    update.run({ id, ...state, seq, lookupFirst: Number(to.lookupFirst), ...step.poll })
    if (to.stage === 'submitting') submits.add()
    accounts.moved(from, to)
    counts.moved({ caller, ...place }, stage, to.stage, seq)
    return withState(to, seq, state)
  }

  return {
    create: (task, allowance) => write(() => create(task, allowance)),
    createBatch: (batch, tasks, allowance) => write(() => createBatch(batch, tasks, allowance)),
    async move(from, to, step) {
      const moved = await write(() => move(from as Task, to as Task, step))
      if (!moved) return null
      if (to.stage === 'submitting') await submits.record()
      return taskIn(to.stage, moved)
    },
  }
}

/** A placeholder for each column of a table, named like it. */
function placeholdersOf<T extends SQLiteTable>(table: T): { [C in keyof T['_']['columns']]: Placeholder } {
  const columns = Object.keys(getTableColumns(table))
  return Object.fromEntries(columns.map(column => [column, sql.placeholder(column)])) as {
    [C in keyof T['_']['columns']]: Placeholder
  }
}

function settersOf<C extends string>(columns: readonly C[]): Record<C, SQL> {
  return Object.fromEntries(columns.map(column => [column, sql`${sql.placeholder(column)}`])) as Record<C, SQL>
}
