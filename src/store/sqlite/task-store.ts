import {
  and,
  asc,
  count,
  desc,
  eq,
  gt,
  inArray,
  isNotNull,
  lt,
  lte,
  or,
  type Placeholder,
  type SQL,
  type SQLWrapper,
  sql,
} from 'drizzle-orm'
import { NOT_POLLED } from '../../tasks/poll-state.js'
import { STATUSES, statusOf, type Task } from '../../tasks/task.js'
import type { NewTask, PageQuery, TaskStore, Transition } from '../../tasks/task-store.js'
import type { OpenDatabase } from './database.js'
import { queueQueries } from './queue.js'
import { stateToRow, taskFromRow, taskOf } from './row.js'
import { tasks, transitions, turns } from './tables.js'
import { addUsage, bookUsage, centsLeft, usageByMonth } from './usage.js'

const toTransition = (row: {
  tasks: typeof tasks.$inferSelect
  transitions: typeof transitions.$inferSelect
}): Transition => {
  const { tasks: inputs, transitions: step } = row
  return { task: taskFromRow(step.taskId, step.seq, inputs, step), at: step.at, reason: step.reason }
}

/** The tasks, their log and their callers' accounts in SQLite. Disposing it closes the database. */
export const createSqliteStore = ({ sqlite, db }: OpenDatabase): TaskStore => {
  /** Adds a step to the log; answers its number. */
  const append = (tx: Pick<typeof db, 'insert'>, task: Task, at: number, reason: string | null): number => {
    const row = { taskId: task.id, caller: task.caller, at, reason, ...stateToRow(task) }
    return tx.insert(transitions).values(row).returning({ seq: transitions.seq }).get().seq
  }

  const earlierThan = (tx: Pick<typeof db, 'select'>, of: Pick<NewTask, 'caller' | 'idempotencyKey' | 'retryOf'>) => {
    const { caller, idempotencyKey, retryOf } = of
    const same = or(
      idempotencyKey === null ? undefined : and(eq(tasks.caller, caller), eq(tasks.idempotencyKey, idempotencyKey)),
      retryOf === null ? undefined : eq(tasks.retryOf, retryOf),
    )
    const row = same && tx.select().from(tasks).where(same).get()
    return row ? taskOf(row) : null
  }

  const waitingOf = (tx: Pick<typeof db, 'select'>, caller: string): number => {
    const queued = and(sql`${tasks.stage} = 'queued'`, eq(tasks.caller, caller))
    return tx.select({ waiting: count() }).from(tasks).where(queued).get()?.waiting ?? 0
  }

  const giveTurn = (tx: Pick<typeof db, 'insert'>, caller: string, seq: number) => {
    tx.insert(turns).values({ caller, seq }).onConflictDoUpdate({ target: turns.caller, set: { seq } }).run()
  }

  const logAfter = (seq: number | SQLWrapper, limit: number | Placeholder, ...whose: SQL[]) =>
    db
      .select()
      .from(transitions)
      .innerJoin(tasks, eq(tasks.id, transitions.taskId))
      .where(and(gt(transitions.seq, seq), ...whose))
      .orderBy(asc(transitions.seq))
      .limit(limit)

  // Asked at each step by everybody who follows: prepared once.
  const { placeholder } = sql
  const prepareLog = (whose: SQL) => logAfter(sql`${placeholder('seq')}`, placeholder('limit'), whose).prepare()
  const logOfTask = prepareLog(eq(transitions.taskId, placeholder('taskId')))
  const logOfCaller = prepareLog(eq(transitions.caller, placeholder('caller')))
  const one = db
    .select()
    .from(tasks)
    .where(eq(tasks.id, placeholder('id')))
    .prepare()
  const end = db.select({ seq: transitions.seq }).from(transitions).orderBy(desc(transitions.seq)).limit(1).prepare()

  const pageOf = (
    { caller, ids, reference, newerThan, olderThan, limit, oldestFirst }: PageQuery,
    only?: SQL,
  ): Task[] =>
    db
      .select()
      .from(tasks)
      .where(
        and(
          eq(tasks.caller, caller),
          only,
          ids && inArray(tasks.id, [...ids]),
          reference === undefined ? undefined : eq(tasks.reference, reference),
          newerThan === undefined ? undefined : gt(tasks.id, newerThan),
          olderThan === undefined ? undefined : lt(tasks.id, olderThan),
        ),
      )
      .orderBy(oldestFirst ? asc(tasks.id) : desc(tasks.id))
      .limit(limit)
      .all()
      .map(taskOf)

  return {
    ...queueQueries(db),

    async create(task, { waitingTasks, monthlyCents }) {
      return db.transaction(
        tx => {
          const taken = earlierThan(tx, task)
          if (taken) return taken
          if (waitingTasks !== null && waitingOf(tx, task.caller) >= waitingTasks) return { refused: 'waitingTasks' }
          const leftCents = monthlyCents === null ? Number.POSITIVE_INFINITY : centsLeft(tx, task, monthlyCents)
          if (task.reservedCents > leftCents) return { refused: 'monthlyCents', leftCents: Math.max(leftCents, 0) }
          // The row comes first, because the log refers to it; it learns its place in the log right after.
          const row = { ...task, seq: 0 }
          tx.insert(tasks)
            .values({ ...row, ...stateToRow(row), status: statusOf(row), ...NOT_POLLED })
            .run()
          const seq = append(tx, row, task.createdAt, null)
          tx.update(tasks).set({ seq }).where(eq(tasks.id, task.id)).run()
          addUsage(tx, row)
          return { ...task, seq }
        },
        { behavior: 'immediate' },
      )
    },

    async earlier(of) {
      return earlierThan(db, of)
    },

    async get(id) {
      const row = one.get({ id })
      return row ? taskOf(row) : null
    },

    /** One index walk for each status, merged here: SQLite would sort all rows of several statuses instead. */
    async page(query) {
      const statuses = new Set(query.statuses)
      if (statuses.size === 0 || statuses.size === STATUSES.length) return pageOf(query)
      const found = [...statuses].flatMap(status => pageOf(query, eq(tasks.status, status)))
      const older = query.oldestFirst ? -1 : 1
      return found.sort((a, b) => (a.id < b.id ? older : -older)).slice(0, query.limit)
    },

    async move(from, to, { at, reason, watch }) {
      return db.transaction(
        tx => {
          const unmoved = and(eq(tasks.id, from.id), eq(tasks.stage, from.stage), eq(tasks.seq, from.seq))
          if (!tx.select({ id: tasks.id }).from(tasks).where(unmoved).get()) return null
          const moved = to as Task
          const seq = append(tx, moved, at, reason)
          tx.update(tasks)
            .set({ ...stateToRow(moved), status: statusOf(moved), seq, ...watch })
            .where(unmoved)
            .run()
          bookUsage(tx, from, moved)
          if (moved.stage === 'submitting') giveTurn(tx, moved.caller, seq)
          return taskFromRow(moved.id, seq, moved, stateToRow(moved)) as Task as never
        },
        { behavior: 'immediate' },
      )
    },

    async watch(task, watch) {
      db.update(tasks)
        .set(watch)
        .where(and(eq(tasks.id, task.id), eq(tasks.seq, task.seq)))
        .run()
    },

    async due(now, limit) {
      const isDue = and(isNotNull(tasks.dueAt), lte(tasks.dueAt, now))
      const rows = db.select().from(tasks).where(isDue).orderBy(asc(tasks.dueAt)).limit(limit).all()
      return rows.map(row => {
        const { dueAt, looks, failures, absences } = row
        return { task: taskOf(row), watch: { dueAt, looks, failures, absences } }
      })
    },

    async nextDueAt() {
      const next = db.select({ dueAt: tasks.dueAt }).from(tasks).where(isNotNull(tasks.dueAt))
      return next.orderBy(asc(tasks.dueAt)).limit(1).get()?.dueAt ?? null
    },

    async owns(upstreamId) {
      const found = db.select({ id: tasks.id }).from(tasks).where(eq(tasks.upstreamId, upstreamId)).limit(1).get()
      return found !== undefined
    },

    async transitionsAfter(seq, query) {
      const { limit } = query
      if ('taskId' in query) return logOfTask.all({ seq, limit, taskId: query.taskId }).map(toTransition)
      const { caller, restriction: only } = query
      if (!only) return logOfCaller.all({ seq, limit, caller }).map(toTransition)
      const shown =
        'taskIds' in only ? inArray(transitions.taskId, [...only.taskIds]) : eq(tasks.reference, only.reference)
      return logAfter(seq, limit, eq(transitions.caller, caller), shown).all().map(toTransition)
    },

    async lastSeq() {
      return end.get()?.seq ?? 0
    },

    async usage(caller, limit) {
      return usageByMonth(db, caller, limit)
    },

    async check() {
      sqlite.pragma('user_version = 1')
    },

    async [Symbol.asyncDispose]() {
      sqlite.close()
    },
  }
}
