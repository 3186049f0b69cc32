import { and, asc, desc, eq, gt, lte, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { NEXT, type Stage } from '../../tasks/task.js'
import type { SubmitQueue } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { taskIn, taskOf } from './row.js'
import { callerQueues, stageCounts, tasks, transitions, twinQueues } from './tables.js'

/** Written out, because SQLite uses a partial index only for the literal words of its condition. */
const isQueued = sql`${tasks.stage} = 'queued'`
const isQueuedByAge = sql`+${tasks.stage} = 'queued'`
const isUnsettled = sql`${tasks.stage} IN ('submitting', 'unknown')`
const isWaiting = sql`${callerQueues.waiting} > 0`

/** The queue. What its questions need is kept with every step (`queue-counts.ts`); nothing here walks the queue. */
export function createSubmitQueue({ sqlite, db, read }: Connection): SubmitQueue {
  const { placeholder } = sql
  /** The place of the caller's oldest task that may leave. */
  const head = db
    .select({ seq: twinQueues.headSeq })
    .from(twinQueues)
    .where(and(eq(twinQueues.caller, callerQueues.caller), sql`${twinQueues.isHeld} = 0`))
    .orderBy(asc(twinQueues.headSeq))
    .limit(1)
  const isHead = and(isQueued, eq(tasks.caller, callerQueues.caller), eq(tasks.createdSeq, sql`(${head})`))
  const next = db
    .select({ tasks })
    .from(callerQueues)
    // A cross join makes SQLite walk the callers by turn and stop at the first that has a head.
    .crossJoin(tasks)
    .where(
      and(
        isWaiting,
        isHead,
        sql`${callerQueues.caller} NOT IN (SELECT value FROM json_each(${placeholder('except')}))`,
      ),
    )
    .orderBy(asc(callerQueues.turn), asc(callerQueues.caller))
    .limit(1)
    .prepare()
  const queues = db
    .select({
      caller: callerQueues.caller,
      waiting: callerQueues.waiting,
      first: sql<string | null>`(${db.select({ id: tasks.id }).from(tasks).where(isHead)})`,
      turn: callerQueues.turn,
    })
    .from(callerQueues)
    .where(isWaiting)
    .orderBy(asc(callerQueues.turn), asc(callerQueues.caller))
    .prepare()
  const queuedBefore = sqlite.prepare<{ ids: string }, { id: string; before: number }>(QUEUED_BEFORE)
  const expired = db
    .select()
    .from(tasks)
    .where(and(isQueuedByAge, lte(tasks.queuedMono, placeholder('beforeMono'))))
    .orderBy(asc(tasks.queuedMono))
    .limit(placeholder('limit'))
    .prepare()
  const oldest = db.select().from(tasks).where(isQueuedByAge).orderBy(asc(tasks.queuedMono)).limit(1).prepare()
  const submitting = db
    .select()
    .from(tasks)
    .where(and(isUnsettled, eq(tasks.stage, 'submitting')))
    .prepare()
  const later = alias(transitions, 'later')
  const ended = db
    .select({ mono: later.mono })
    .from(later)
    .where(and(eq(later.taskId, transitions.taskId), gt(later.seq, transitions.seq)))
    .orderBy(asc(later.seq))
    .limit(1)
  const recent = db
    .select({
      taskId: transitions.taskId,
      begunMono: transitions.mono,
      endedMono: sql<number>`coalesce((${ended}), ${transitions.mono})`,
    })
    .from(transitions)
    .where(sql`${transitions.stage} = 'submitting'`)
    .orderBy(desc(transitions.seq))
    .limit(placeholder('limit'))
    .prepare()
  const counts = db.select().from(stageCounts).prepare()
  const owner = db
    .select({ id: tasks.id })
    .from(tasks)
    .where(eq(tasks.upstreamId, placeholder('upstreamId')))
    .limit(1)
    .prepare()

  return {
    nextToSubmit: (exceptCallers = []) =>
      read(() => {
        const row = next.get({ except: JSON.stringify(exceptCallers) })
        return row ? taskIn('queued', taskOf(row.tasks)) : null
      }),
    callerQueues: () => read(() => queues.all()),
    queuedBefore: asked =>
      read(() => {
        const ids = asked.filter(task => task.stage === 'queued').map(task => task.id)
        if (ids.length === 0) return new Map()
        return new Map(queuedBefore.all({ ids: JSON.stringify(ids) }).map(({ id, before }) => [id, before]))
      }),
    expiredQueued: (beforeMono, limit) =>
      read(() => expired.all({ beforeMono, limit }).map(row => taskIn('queued', taskOf(row)))),
    oldestQueued: () =>
      read(() => {
        const row = oldest.get()
        if (!row) return null
        const { queuedAt, queuedMono } = taskIn('queued', taskOf(row))
        return { queuedAt, queuedMono }
      }),
    submitting: () => read(() => submitting.all().map(row => taskIn('submitting', taskOf(row)))),
    recentSubmits: limit => read(() => recent.all({ limit }).reverse()),
    counts: () =>
      read(() => {
        const kept = new Map(counts.all().map(({ stage, count }) => [stage, count]))
        const ofStage = (stage: Stage) => kept.get(stage) ?? 0
        return mapStages(ofStage)
      }),
    owns: upstreamId => read(() => owner.get({ upstreamId }) !== undefined),
  }
}

/**
 * The queued tasks before each of the given ones. The tasks between two of them are counted once, so that a page of
 * neighbours costs as much as its last task.
 */
const QUEUED_BEFORE = `
  WITH asked AS MATERIALIZED (
    SELECT id, caller, created_seq FROM tasks
    WHERE stage = 'queued' AND id IN (SELECT value FROM json_each(@ids))
  ), spans AS (
    SELECT id, caller, created_seq, lag(created_seq, 1, 0) OVER (PARTITION BY caller ORDER BY created_seq) AS since
    FROM asked
  ), counted AS (
    SELECT id, caller, created_seq, (
      SELECT count(*) FROM tasks queued
      WHERE queued.stage = 'queued' AND queued.caller = spans.caller
        AND queued.created_seq >= spans.since AND queued.created_seq < spans.created_seq
    ) AS between_them
    FROM spans
  )
  SELECT id, sum(between_them) OVER (PARTITION BY caller ORDER BY created_seq) AS before FROM counted`

function mapStages<T>(of: (stage: Stage) => T): Record<Stage, T> {
  const stages = Object.keys(NEXT) as Stage[]
  return Object.fromEntries(stages.map(stage => [stage, of(stage)])) as Record<Stage, T>
}
