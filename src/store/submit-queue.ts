import { and, asc, eq, lte, not, sql } from 'drizzle-orm'
import { NEXT, type Stage, type Task, type TaskIn } from '../tasks/task.js'
import type { Claim, ClaimRequest, CopiedInputs, PauseState, RecentSubmit, SubmitQueue } from '../tasks/task-store.js'
import type { CopyOf, RecentCalls } from './assets.js'
import type { Connection } from './connection.js'
import { hashOf } from './inputs-hash.js'
import { taskIn, taskOf } from './row.js'
import type { Work } from './statement.js'
import type { SubmitCount } from './submit-count.js'
import type { Move } from './writer.js'

/** How often a claim begins anew because the task that it picked was taken meanwhile. */
const CLAIM_ATTEMPTS = 5
/**
 * Of several gateways, one may begin its submits while a call of another is still under way, so that the latest submits
 * to end are not the latest to begin. A call is taken over within a minute, in which a full window of others may begin.
 */
const WINDOWS_OF_MANY = 3

type NoClaim = Exclude<Claim, { kind: 'claimed' }>

export interface SubmitQueueParts {
  readonly move: Move
  readonly copyOf: CopyOf
  readonly recentCalls: RecentCalls
  readonly submits: SubmitCount
}

const NO_PAUSE: PauseState = { pause: null, failures: 0, lostAnswers: 0 }

/** The queue. What its questions need is kept with every step (`queue-counts.ts`); nothing here walks the queue. */
export function createSubmitQueue(
  connection: Connection,
  { move, copyOf, recentCalls, submits }: SubmitQueueParts,
): SubmitQueue {
  const { db, tables, dialect, isShared, prepare, prepareSql, read, readSnapshot, write, lock } = connection
  const { callerQueues, stageCounts, submitQueue, tasks, twinQueues } = tables
  const { placeholder } = sql
  /** Written out, because a partial index is used only for the literal words of its condition. */
  const isQueued = sql`${tasks.stage} = 'queued'`
  const isQueuedByAge = dialect.isQueuedByAge(tasks.stage)
  const isUnsettled = sql`${tasks.stage} IN ('submitting', 'unknown')`
  const isWaiting = sql`${callerQueues.waiting} > 0`

  /** The place of the caller's oldest task that may leave. */
  const head = db
    .select({ seq: twinQueues.headSeq })
    .from(twinQueues)
    .where(and(eq(twinQueues.caller, callerQueues.caller), dialect.isFree(twinQueues.isHeld)))
    .orderBy(asc(twinQueues.headSeq))
    .limit(1)
  const isHead = and(isQueued, eq(tasks.caller, callerQueues.caller), eq(tasks.createdSeq, sql`(${head})`))
  const next = prepare(
    db
      .select({ tasks })
      .from(callerQueues)
      // A cross join makes SQLite walk the callers by turn and stop at the first that has a head.
      .crossJoin(tasks)
      .where(and(isWaiting, isHead, not(dialect.isAmong(callerQueues.caller, 'except'))))
      .orderBy(asc(callerQueues.turn), asc(callerQueues.caller))
      .limit(1),
  )
  const isGroupFree = prepare(
    db
      .select({ headSeq: twinQueues.headSeq })
      .from(twinQueues)
      .where(
        and(
          eq(twinQueues.inputsHash, placeholder('inputsHash')),
          eq(twinQueues.caller, placeholder('caller')),
          dialect.isFree(twinQueues.isHeld),
        ),
      ),
  )
  const queues = prepare(
    db
      .select({
        caller: callerQueues.caller,
        waiting: callerQueues.waiting,
        first: sql<string | null>`(${db.select({ id: tasks.id }).from(tasks).where(isHead)})`,
        turn: callerQueues.turn,
      })
      .from(callerQueues)
      .where(isWaiting)
      .orderBy(asc(callerQueues.turn), asc(callerQueues.caller)),
  )
  const queuedBefore = prepareSql<{ id: string; before: number }>(queuedBeforeSql(dialect.idsOfList))
  const expired = prepare(
    db
      .select()
      .from(tasks)
      .where(and(isQueuedByAge, lte(tasks.queuedMono, placeholder('beforeMono'))))
      .orderBy(asc(tasks.queuedMono))
      .limit(placeholder('limit')),
  )
  const oldest = prepare(
    db
      .select({ queuedAt: tasks.queuedAt, queuedMono: tasks.queuedMono })
      .from(tasks)
      .where(isQueuedByAge)
      .orderBy(asc(tasks.queuedMono))
      .limit(1),
  )
  const submitting = prepare(
    db
      .select()
      .from(tasks)
      .where(and(isUnsettled, eq(tasks.stage, 'submitting'))),
  )
  const recent = prepareSql<RecentSubmit>(RECENT_SUBMITS)
  const countsOfStages = prepare(
    db
      .select({ stage: stageCounts.stage, count: sql<number>`sum(${stageCounts.count})` })
      .from(stageCounts)
      .groupBy(stageCounts.stage),
  )
  const owner = prepare(
    db
      .select({ id: tasks.id })
      .from(tasks)
      .where(eq(tasks.upstreamId, placeholder('upstreamId')))
      .limit(1),
  )
  const pauseRow = prepare(db.select().from(submitQueue).where(eq(submitQueue.id, 1)))
  const pauseColumns = {
    kind: placeholder('kind'),
    reason: placeholder('reason'),
    untilMono: placeholder('untilMono'),
    endsByCheckMono: placeholder('endsByCheckMono'),
    failures: placeholder('failures'),
    lostAnswers: placeholder('lostAnswers'),
  }
  const savePause = prepare(
    db
      .insert(submitQueue)
      .values({ id: 1, ...pauseColumns })
      .onConflictDoUpdate({
        target: submitQueue.id,
        set: {
          kind: sql`excluded.kind`,
          reason: sql`excluded.reason`,
          untilMono: sql`excluded.until_mono`,
          endsByCheckMono: sql`excluded.ends_by_check_mono`,
          failures: sql`excluded.failures`,
          lostAnswers: sql`excluded.lost_answers`,
        },
      }),
  )

  function* readPause(): Work<PauseState> {
    const row = yield* pauseRow.get()
    if (!row) return NO_PAUSE
    const { kind, reason, untilMono, endsByCheckMono, failures, lostAnswers } = row
    const isPaused = kind !== null && reason !== null && untilMono !== null && endsByCheckMono !== null
    return { pause: isPaused ? { kind, reason, untilMono, endsByCheckMono } : null, failures, lostAnswers }
  }

  function* changePause(change: (state: PauseState) => PauseState): Work<PauseState> {
    const before = yield* readPause()
    const { pause, failures, lostAnswers } = change(before)
    yield* savePause.run({
      kind: pause?.kind ?? null,
      reason: pause?.reason ?? null,
      untilMono: pause?.untilMono ?? null,
      endsByCheckMono: pause?.endsByCheckMono ?? null,
      failures,
      lostAnswers,
    })
    return { pause, failures, lostAnswers }
  }

  function* recentSubmits(limit: number): Work<RecentSubmit[]> {
    return (yield* recent.all({ limit })).reverse()
  }

  function* findNext(exceptCallers: readonly string[]): Work<TaskIn<'queued'> | null> {
    const row = yield* next.get({ except: dialect.list(exceptCallers) })
    return row ? taskIn('queued', taskOf(row.tasks)) : null
  }

  function* pick({ window, copiesAt, exceptCallers, waitUntil }: ClaimRequest): Work<TaskIn<'queued'> | NoClaim> {
    const latest = window === null ? [] : yield* recentSubmits(isShared ? window * WINDOWS_OF_MANY : window)
    const copies = window === null || copiesAt === null ? [] : yield* recentCalls(window)
    const until = waitUntil({ recent: [...latest, ...copies], pause: yield* readPause() })
    if (until !== null) return { kind: 'waits', until }
    return (yield* findNext(exceptCallers)) ?? { kind: 'empty' }
  }

  function* copiesOf({ videoSha256, audioSha256 }: Task, upstream: string | null): Work<CopiedInputs> {
    if (upstream === null) return { video: null, audio: null }
    const video = videoSha256 === null ? null : yield* copyOf(videoSha256, upstream)
    const audio = audioSha256 === null ? null : yield* copyOf(audioSha256, upstream)
    return { video, audio }
  }

  /** Null: the task that was picked has moved meanwhile. */
  function* claim(request: ClaimRequest): Work<Claim | null> {
    const task = yield* pick(request)
    if ('kind' in task) return task
    const inputsHash = hashOf(task)
    yield* lock({ caller: task.caller, inputsHash })
    // What was picked before the locks were held may have changed since.
    if (isShared && !(yield* isGroupFree.get({ inputsHash, caller: task.caller }))) return null
    const attempt = request.attempt(task, yield* copiesOf(task, request.copiesAt))
    if (!attempt) return { kind: 'unprepared', task }
    const { to, step } = attempt
    const moved = yield* move(task, to as Task, step)
    return moved && { kind: 'claimed', from: task, task: taskIn('submitting', moved) }
  }

  return {
    async claimNext(request) {
      // Most rounds find that nothing may leave: they neither lock nor write.
      const picked = await read(() => pick(request))
      if ('kind' in picked) return picked
      for (let attempt = 1; attempt <= CLAIM_ATTEMPTS; attempt++) {
        const claimed = await write({ submitQueue: true }, () => claim(request))
        if (claimed?.kind === 'claimed') await submits.record()
        if (claimed) return claimed
      }
      return { kind: 'empty' }
    },
    pauseState: () => read(readPause),
    changePause: change => write({ submitQueue: true }, () => changePause(change)),
    nextToSubmit: (exceptCallers = []) => read(() => findNext(exceptCallers)),
    callerQueues: () => read(() => queues.all()),
    async queuedBefore(asked) {
      const ids = asked.filter(task => task.stage === 'queued').map(task => task.id)
      if (ids.length === 0) return new Map()
      const rows = await read(() => queuedBefore.all({ ids: dialect.list(ids) }))
      return new Map(rows.map(({ id, before }) => [id, before]))
    },
    expiredQueued: async (beforeMono, limit) =>
      (await read(() => expired.all({ beforeMono, limit }))).map(row => taskIn('queued', taskOf(row))),
    async oldestQueued() {
      const row = await read(() => oldest.get())
      if (!row || row.queuedAt === null || row.queuedMono === null) return null
      return { queuedAt: row.queuedAt, queuedMono: row.queuedMono }
    },
    submitting: async () => (await read(() => submitting.all())).map(row => taskIn('submitting', taskOf(row))),
    recentSubmits: limit => readSnapshot(() => recentSubmits(limit)),
    async counts() {
      const kept = new Map((await read(() => countsOfStages.all())).map(({ stage, count }) => [stage, count]))
      return mapStages(stage => kept.get(stage) ?? 0)
    },
    owns: async upstreamId => (await read(() => owner.get({ upstreamId }))) !== undefined,
  }
}

/**
 * The queued tasks before each of the given ones. The tasks between two of them are counted once, so that a page of
 * neighbours costs as much as its last task.
 */
const queuedBeforeSql = (ids: string) => `
  WITH asked AS MATERIALIZED (
    SELECT id, caller, created_seq FROM tasks
    WHERE stage = 'queued' AND id IN (${ids})
  ), spans AS (
    SELECT id, caller, created_seq, lag(created_seq, 1) OVER (PARTITION BY caller ORDER BY created_seq) AS since
    FROM asked
  ), counted AS (
    SELECT id, caller, created_seq, (
      SELECT count(*) FROM tasks queued
      WHERE queued.stage = 'queued' AND queued.caller = spans.caller
        AND queued.created_seq >= coalesce(spans.since, 0) AND queued.created_seq < spans.created_seq
    ) AS between_them
    FROM spans
  )
  SELECT id, sum(between_them) OVER (PARTITION BY caller ORDER BY created_seq) AS before FROM counted`

/** The latest submits with the times of the steps that followed, the latest begun first. */
const RECENT_SUBMITS = `
  SELECT task_id AS "taskId", mono AS "begunMono", (
    SELECT later.mono FROM transitions later
    WHERE later.task_id = begun.task_id AND later.seq > begun.seq ORDER BY later.seq LIMIT 1
  ) AS "endedMono"
  FROM transitions begun WHERE begun.stage = 'submitting' ORDER BY begun.seq DESC LIMIT @limit`

function mapStages<T>(of: (stage: Stage) => T): Record<Stage, T> {
  const stages = Object.keys(NEXT) as Stage[]
  return Object.fromEntries(stages.map(stage => [stage, of(stage)])) as Record<Stage, T>
}
