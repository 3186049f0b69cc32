import { and, asc, count, eq, gt, isNotNull, lt, lte, notExists, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { alias } from 'drizzle-orm/sqlite-core'
import type { TaskIn } from '../../tasks/task.js'
import type { TaskStore } from '../../tasks/task-store.js'
import { taskOf } from './row.js'
import { tasks, transitions, turns } from './tables.js'

type QueueQueries = Pick<
  TaskStore,
  'callerQueues' | 'queuedBefore' | 'waitingSince' | 'oldestQueuedAt' | 'counts' | 'submitting' | 'submitsSince'
>

/** Written out, because SQLite takes a partial index only for the very words of its condition. */
const isQueued = sql`${tasks.stage} = 'queued'`
const isUnsettled = sql`${tasks.stage} IN ('submitting', 'unknown')`

/** What the lane asks: who waits, and what left lately. All of it costs as much as the queue is long. */
export const queueQueries = (db: BetterSQLite3Database): QueueQueries => ({
  async callerQueues() {
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
    const turn = db.select({ seq: turns.seq }).from(turns).where(eq(turns.caller, tasks.caller))
    return db
      .select({
        caller: tasks.caller,
        waiting: count(),
        first: sql<string | null>`min(CASE WHEN ${notExists(unsettledTwin)} THEN ${tasks.id} END)`,
        turn: sql<number>`coalesce((${turn}), 0)`,
      })
      .from(tasks)
      .where(isQueued)
      .groupBy(tasks.caller)
      .all()
  },

  async queuedBefore({ caller, id }) {
    return db.$count(tasks, and(isQueued, eq(tasks.caller, caller), lt(tasks.id, id)))
  },

  async waitingSince(until, limit) {
    const waiting = and(isQueued, lte(tasks.queuedAt, until))
    const rows = db.select().from(tasks).where(waiting).orderBy(asc(tasks.queuedAt)).limit(limit).all()
    return rows.map(taskOf) as TaskIn<'queued'>[]
  },

  async oldestQueuedAt() {
    const waiting = db.select({ queuedAt: tasks.queuedAt }).from(tasks).where(isQueued)
    return waiting.orderBy(asc(tasks.queuedAt)).limit(1).get()?.queuedAt ?? null
  },

  async counts() {
    return { queued: await db.$count(tasks, isQueued), active: await db.$count(tasks, isNotNull(tasks.dueAt)) }
  },

  async submitting() {
    const stage = and(isUnsettled, eq(tasks.stage, 'submitting'))
    return db.select().from(tasks).where(stage).all().map(taskOf) as TaskIn<'submitting'>[]
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
})
