import { and, eq, getTableColumns, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { NOT_POLLED, type PollState } from '../tasks/poll-state.js'
import type { Task } from '../tasks/task.js'
import type { Allowance, LimitReached, NewTask, Step, TaskWriter } from '../tasks/task-store.js'
import { createBatchWriter } from './batches.js'
import type { Connection } from './connection.js'
import { hashOf } from './inputs-hash.js'
import { concernsTwins, createQueueCounts, MINUTE_MS, type Place } from './queue-counts.js'
import type { ReadEarlier } from './reader.js'
import { STATE_COLUMNS, stateToRow, taskIn, withState } from './row.js'
import type { Work } from './statement.js'
import type { SubmitCount } from './submit-count.js'
import { createAccounts } from './usage.js'

const POLL_COLUMNS = ['dueMono', 'checks', 'failures', 'absences', 'problem'] as const satisfies (keyof PollState)[]

/** `TaskWriter.move` within a transaction that has the locks of the task. */
export type Move = (from: Task, to: Task, step: Step) => Work<Task | null>

/** Writes tasks and their log. */
export function createWriter(
  connection: Connection,
  readEarlier: ReadEarlier,
  submits: SubmitCount,
): TaskWriter & { readonly moveWithin: Move } {
  const { db, tables, prepare, write } = connection
  const { tasks, transitions } = tables
  const { placeholder } = sql
  const counts = createQueueCounts(connection)
  const accounts = createAccounts(connection)

  const { seq: _, ...stepColumns } = placeholdersOf(transitions)
  const insertStep = prepare(db.insert(transitions).values(stepColumns).returning({ seq: transitions.seq }))
  const insertTask = prepare(db.insert(tasks).values(placeholdersOf(tasks)))
  const update = prepare(
    db
      .update(tasks)
      .set({
        ...settersOf([...STATE_COLUMNS, 'seq', ...POLL_COLUMNS]),
        lookupFirst: sql`${sql.param(placeholder('lookupFirst'), tasks.lookupFirst)}`,
      })
      .where(eq(tasks.id, placeholder('id'))),
  )
  const unmoved = prepare(
    db
      .select({ inputsHash: tasks.inputsHash, createdSeq: tasks.createdSeq })
      .from(tasks)
      .where(
        and(eq(tasks.id, placeholder('id')), eq(tasks.stage, placeholder('stage')), eq(tasks.seq, placeholder('seq'))),
      ),
  )

  function* append(task: Task, { at, mono, reason }: Omit<Step, 'poll'>): Work<number> {
    const { id: taskId, caller, reference, batchId } = task
    const row = yield* insertStep.get({ taskId, caller, reference, batchId, at, mono, reason, ...stateToRow(task) })
    return row!.seq
  }

  /** Whether tasks of one caller that are created together, at the same time, exceed the allowance. */
  function* limitReached(created: readonly NewTask[], allowance: Allowance): Work<LimitReached | null> {
    const [first] = created
    if (!first) return null
    const { waitingTasks, createsPerMinute, monthlyCents } = allowance
    if (waitingTasks !== null || createsPerMinute !== null) {
      const { waiting, minuteMono, minuteCreates } = yield* counts.of(first.caller)
      const leftMs = minuteMono + MINUTE_MS - first.queuedMono
      if (createsPerMinute !== null && (leftMs > 0 ? minuteCreates : 0) >= createsPerMinute)
        return { refused: 'createsPerMinute', retryAfterMs: Math.max(leftMs, 0) }
      if (waitingTasks !== null && waiting + created.length > waitingTasks) return { refused: 'waitingTasks' }
    }
    if (monthlyCents === null) return null
    const leftCents = monthlyCents - (yield* accounts.usedCents(first))
    const neededCents = created.reduce((sum, task) => sum + task.reservedCents, 0)
    return neededCents > leftCents ? { refused: 'monthlyCents', leftCents: Math.max(leftCents, 0) } : null
  }

  /** Writes new tasks of one caller, within its limits. */
  function* insert(
    created: readonly NewTask[],
    allowance: Allowance,
    hashes: readonly string[],
  ): Work<Task[] | LimitReached> {
    const limit = yield* limitReached(created, allowance)
    if (limit) return limit
    const inserted: Task[] = []
    const places: Place[] = []
    for (const [index, unseen] of created.entries()) {
      const unnumbered = { ...unseen, lookupFirst: false, seq: 0 }
      const seq = yield* append(unnumbered, { at: unseen.createdAt, mono: unseen.queuedMono, reason: null })
      const task = { ...unnumbered, seq }
      const place = { caller: task.caller, inputsHash: hashes[index] ?? hashOf(task), createdSeq: seq }
      yield* insertTask.run({ ...task, ...stateToRow(task), ...place, ...NOT_POLLED })
      yield* accounts.created(task)
      inserted.push(task)
      places.push(place)
    }
    const [first] = created
    if (first) yield* counts.created(first.caller, places, first.queuedMono)
    return inserted
  }

  function* create(created: NewTask, allowance: Allowance, inputsHash: string): Work<Task | LimitReached> {
    const earlier = yield* readEarlier(created)
    if (earlier) return earlier
    const inserted = yield* insert([created], allowance, [inputsHash])
    return 'refused' in inserted ? inserted : inserted[0]!
  }

  const createBatch = createBatchWriter(connection, readEarlier, insert)

  function* move(from: Task, to: Task, step: Step): Work<Task | null> {
    const { id, caller, stage, seq: known } = from
    const place = yield* unmoved.get({ id, stage, seq: known })
    if (!place) return null
    const seq = yield* append(to, step)
    const state = stateToRow(to)
    yield* update.run({ id, ...state, seq, lookupFirst: to.lookupFirst, ...step.poll })
    if (to.stage === 'submitting') yield* submits.add()
    yield* accounts.moved(from, to)
    yield* counts.moved({ caller, ...place }, stage, to.stage, seq)
    return withState(to, seq, state)
  }

  return {
    create(task, allowance) {
      const inputsHash = hashOf(task)
      return write({ caller: task.caller, inputsHash }, () => create(task, allowance, inputsHash))
    },
    createBatch(batch, tasks, allowance) {
      const hashes = tasks.map(hashOf)
      return write({ caller: batch.caller, inputsHash: hashes }, () => createBatch(batch, tasks, allowance, hashes))
    },
    async move(from, to, step) {
      const [task, next] = [from as Task, to as Task]
      const inputsHash = concernsTwins(from.stage, to.stage) ? hashOf(task) : undefined
      const moved = await write({ caller: task.caller, inputsHash }, () => move(task, next, step))
      if (!moved) return null
      if (to.stage === 'submitting') await submits.record()
      return taskIn(to.stage, moved)
    },
    moveWithin: move,
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
