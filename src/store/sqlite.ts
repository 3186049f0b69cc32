import { and, asc, desc, eq, gt, isNotNull, lt, lte, notExists, or, type SQL, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import type { PageQuery, TaskStore, Transition } from '../tasks/ports.js'
import { UNWATCHED } from '../tasks/schedule.js'
import { STATUSES, statusOf, type Task, type TaskIn } from '../tasks/task.js'
import { openDatabase } from './database.js'
import { stateToRow, taskFromRow } from './row.js'
import { tasks, transitions } from './tables.js'

/** The tasks and their log in SQLite. See `openDatabase` for the arguments. */
export const openSqliteStore = (url: string, onQuery?: (sql: string) => void): TaskStore => {
  const { sqlite, db } = openDatabase(url, onQuery)

  /** Adds a step to the log; answers its number. */
  const append = (tx: Pick<typeof db, 'insert'>, task: Task, at: number, reason: string | null): number => {
    const row = { taskId: task.id, at, reason, ...stateToRow(task) }
    return tx.insert(transitions).values(row).returning({ seq: transitions.seq }).get().seq
  }

  const toTask = (row: typeof tasks.$inferSelect): Task => taskFromRow(row.id, row.seq, row, row)

  const pageOf = ({ reference, newerThan, olderThan, limit, oldestFirst }: PageQuery, only?: SQL): Task[] =>
    db
      .select()
      .from(tasks)
      .where(
        and(
          only,
          reference === undefined ? undefined : eq(tasks.reference, reference),
          newerThan === undefined ? undefined : gt(tasks.id, newerThan),
          olderThan === undefined ? undefined : lt(tasks.id, olderThan),
        ),
      )
      .orderBy(oldestFirst ? asc(tasks.id) : desc(tasks.id))
      .limit(limit)
      .all()
      .map(toTask)

  return {
    async create(task) {
      return db.transaction(
        tx => {
          const { idempotencyKey, retryOf } = task
          const same = or(
            idempotencyKey === null ? undefined : eq(tasks.idempotencyKey, idempotencyKey),
            retryOf === null ? undefined : eq(tasks.retryOf, retryOf),
          )
          const taken = same && tx.select().from(tasks).where(same).get()
          if (taken) return toTask(taken)
          // The row comes first, because the log refers to it; it learns its place in the log right after.
          const row = { ...task, seq: 0 }
          tx.insert(tasks)
            .values({ ...row, ...stateToRow(row), status: statusOf(row), ...UNWATCHED })
            .run()
          const seq = append(tx, row, task.createdAt, null)
          tx.update(tasks).set({ seq }).where(eq(tasks.id, task.id)).run()
          return { ...task, seq }
        },
        { behavior: 'immediate' },
      )
    },

    async get(id) {
      const row = db.select().from(tasks).where(eq(tasks.id, id)).get()
      return row ? toTask(row) : null
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
      return rows.map(row => ({ task: toTask(row), watch: row }))
    },

    async nextDueAt() {
      const next = db.select({ dueAt: tasks.dueAt }).from(tasks).where(isNotNull(tasks.dueAt))
      return next.orderBy(asc(tasks.dueAt)).limit(1).get()?.dueAt ?? null
    },

    async nextQueued() {
      const other = alias(tasks, 'other')
      const unsettledTwin = db
        .select({ one: sql`1` })
        .from(other)
        .where(
          and(
            sql`${other.stage} IN ('submitting', 'unknown')`,
            eq(other.videoUrl, tasks.videoUrl),
            eq(other.audioUrl, tasks.audioUrl),
            eq(other.playbackType, tasks.playbackType),
          ),
        )
      const row = db
        .select()
        .from(tasks)
        .where(and(sql`${tasks.stage} = 'queued'`, notExists(unsettledTwin)))
        .orderBy(asc(tasks.id))
        .limit(1)
        .get()
      return row ? (toTask(row) as TaskIn<'queued'>) : null
    },

    async waitingSince(until, limit) {
      const waiting = and(sql`${tasks.stage} = 'queued'`, lte(tasks.queuedAt, until))
      const rows = db.select().from(tasks).where(waiting).orderBy(asc(tasks.queuedAt)).limit(limit).all()
      return rows.map(toTask) as TaskIn<'queued'>[]
    },

    async queuedBefore(id) {
      return db.$count(tasks, and(sql`${tasks.stage} = 'queued'`, lt(tasks.id, id)))
    },

    async oldestQueuedAt() {
      const waiting = db.select({ queuedAt: tasks.queuedAt }).from(tasks).where(sql`${tasks.stage} = 'queued'`)
      return waiting.orderBy(asc(tasks.queuedAt)).limit(1).get()?.queuedAt ?? null
    },

    async counts() {
      const queued = await db.$count(tasks, sql`${tasks.stage} = 'queued'`)
      return { queued, active: await db.$count(tasks, isNotNull(tasks.dueAt)) }
    },

    async submitting() {
      const stage = and(sql`${tasks.stage} IN ('submitting', 'unknown')`, eq(tasks.stage, 'submitting'))
      return db.select().from(tasks).where(stage).all().map(toTask) as TaskIn<'submitting'>[]
    },

    async submitsSince(after) {
      const later = alias(transitions, 'later')
      const answeredAt = db
        .select({ at: later.at })
        .from(later)
        .where(and(eq(later.taskId, transitions.taskId), gt(later.seq, transitions.seq)))
        .orderBy(asc(later.seq))
        .limit(1)
      return db
        .select({ endedAt: sql<number>`coalesce((${answeredAt}), ${transitions.at})` })
        .from(transitions)
        .where(and(sql`${transitions.stage} = 'submitting'`, gt(transitions.at, after)))
        .all()
        .map(row => row.endedAt)
        .sort((a, b) => a - b)
    },

    async owns(upstreamId) {
      const found = db.select({ id: tasks.id }).from(tasks).where(eq(tasks.upstreamId, upstreamId)).limit(1).get()
      return found !== undefined
    },

    async transitionsAfter(seq, { taskId, limit }) {
      return db
        .select()
        .from(transitions)
        .innerJoin(tasks, eq(tasks.id, transitions.taskId))
        .where(and(gt(transitions.seq, seq), taskId === undefined ? undefined : eq(transitions.taskId, taskId)))
        .orderBy(asc(transitions.seq))
        .limit(limit)
        .all()
        .map(
          ({ tasks: inputs, transitions: step }): Transition => ({
            task: taskFromRow(step.taskId, step.seq, inputs, step),
            at: step.at,
            reason: step.reason,
          }),
        )
    },

    async lastSeq() {
      const last = db.select({ seq: transitions.seq }).from(transitions).orderBy(desc(transitions.seq)).limit(1)
      return last.get()?.seq ?? 0
    },

    async check() {
      sqlite.pragma('user_version = 1')
    },

    async [Symbol.asyncDispose]() {
      sqlite.close()
    },
  }
}
