import { and, eq, sql } from 'drizzle-orm'
import type { Stage } from '../tasks/task.js'
import type { Connection } from './connection.js'
import type { Work } from './statement.js'

/** The fields of a queued task that its counts depend on. */
export interface Place {
  readonly caller: string
  readonly inputsHash: string
  readonly createdSeq: number
}

/** What is known of a caller's queue. */
export interface CallerCounts {
  readonly waiting: number
  /** When the caller's current minute of creates began, and its creates since. */
  readonly minuteMono: number
  readonly minuteCreates: number
}

/** A minute of creates is counted from the first. */
export const MINUTE_MS = 60_000

const NO_COUNTS: CallerCounts = { waiting: 0, minuteMono: 0, minuteCreates: 0 }

/**
 * Keeps `caller_queues`, `twin_queues` and `stage_counts`. Every method runs within the transaction of the step, after
 * the row of the task was written.
 */
export function createQueueCounts({ db, tables, dialect, prepare }: Connection) {
  const { callerQueues, stageCounts, tasks, twinQueues } = tables
  const { placeholder } = sql
  const countStage = prepare(
    db
      .insert(stageCounts)
      .values({ stage: placeholder('stage'), caller: placeholder('caller'), count: placeholder('by') })
      .onConflictDoUpdate({
        target: [stageCounts.stage, stageCounts.caller],
        set: { count: sql`${stageCounts.count} + excluded.count` },
      }),
  )
  const hasPassed = sql`excluded.minute_mono >= ${callerQueues.minuteMono} + ${sql.raw(String(MINUTE_MS))}`
  const countRequest = prepare(
    db
      .insert(callerQueues)
      .values({
        caller: placeholder('caller'),
        waiting: placeholder('tasks'),
        turn: 0,
        minuteMono: placeholder('mono'),
        minuteCreates: 1,
      })
      .onConflictDoUpdate({
        target: callerQueues.caller,
        set: {
          waiting: sql`${callerQueues.waiting} + excluded.waiting`,
          minuteMono: sql`CASE WHEN ${hasPassed} THEN excluded.minute_mono ELSE ${callerQueues.minuteMono} END`,
          minuteCreates: sql`CASE WHEN ${hasPassed} THEN 1 ELSE ${callerQueues.minuteCreates} + 1 END`,
        },
      }),
  )
  const isCaller = eq(callerQueues.caller, placeholder('caller'))
  const countWaiting = prepare(
    db
      .update(callerQueues)
      .set({ waiting: sql`${callerQueues.waiting} + ${placeholder('by')}` })
      .where(isCaller),
  )
  const giveTurn = prepare(
    db
      .update(callerQueues)
      .set({ turn: sql`${placeholder('seq')}` })
      .where(isCaller),
  )
  const countsOf = prepare(
    db
      .select({
        waiting: callerQueues.waiting,
        minuteMono: callerQueues.minuteMono,
        minuteCreates: callerQueues.minuteCreates,
      })
      .from(callerQueues)
      .where(isCaller),
  )

  const hasUnsettledTwin = sql`EXISTS (SELECT 1 FROM ${tasks} WHERE ${tasks.inputsHash} = ${placeholder('inputsHash')}
    AND ${tasks.stage} IN ('submitting', 'unknown'))`
  const head = sql`(SELECT ${tasks.createdSeq} FROM ${tasks} WHERE ${tasks.stage} = 'queued'
    AND ${tasks.inputsHash} = ${placeholder('inputsHash')} AND ${tasks.caller} = ${placeholder('caller')}
    ORDER BY ${tasks.createdSeq} LIMIT 1)`
  const isGroup = and(
    eq(twinQueues.inputsHash, placeholder('inputsHash')),
    eq(twinQueues.caller, placeholder('caller')),
  )
  const enterGroup = prepare(
    db
      .insert(twinQueues)
      .values({
        inputsHash: placeholder('inputsHash'),
        caller: placeholder('caller'),
        waiting: 1,
        headSeq: placeholder('createdSeq'),
        isHeld: hasUnsettledTwin,
      })
      .onConflictDoUpdate({
        target: [twinQueues.inputsHash, twinQueues.caller],
        set: {
          waiting: sql`${twinQueues.waiting} + 1`,
          headSeq: dialect.least(twinQueues.headSeq, sql`excluded.head_seq`),
        },
      }),
  )
  const leaveGroup = prepare(
    db
      .update(twinQueues)
      .set({ waiting: sql`${twinQueues.waiting} - 1`, headSeq: sql`coalesce(${head}, 0)` })
      .where(isGroup),
  )
  const dropEmptyGroup = prepare(db.delete(twinQueues).where(and(isGroup, eq(twinQueues.waiting, 0))))
  const holdGroups = prepare(
    db
      .update(twinQueues)
      .set({ isHeld: hasUnsettledTwin })
      .where(eq(twinQueues.inputsHash, placeholder('inputsHash'))),
  )

  function* leave({ caller, inputsHash }: Place): Work<void> {
    yield* countWaiting.run({ caller, by: -1 })
    yield* leaveGroup.run({ inputsHash, caller })
    yield* dropEmptyGroup.run({ inputsHash, caller })
  }

  return {
    *of(caller: string): Work<CallerCounts> {
      return (yield* countsOf.get({ caller })) ?? NO_COUNTS
    },

    /** Tasks that one request created: it is one create, however many they are. */
    *created(caller: string, places: readonly Place[], mono: number): Work<void> {
      yield* countStage.run({ stage: 'queued', caller, by: places.length })
      yield* countRequest.run({ caller, tasks: places.length, mono })
      for (const { inputsHash, createdSeq } of places) yield* enterGroup.run({ inputsHash, caller, createdSeq })
    },

    *moved(place: Place, from: Stage, to: Stage, seq: number): Work<void> {
      const { caller, inputsHash, createdSeq } = place
      yield* countStage.run({ stage: from, caller, by: -1 })
      yield* countStage.run({ stage: to, caller, by: 1 })
      if (from === 'queued') yield* leave(place)
      if (to === 'queued') {
        yield* countWaiting.run({ caller, by: 1 })
        yield* enterGroup.run({ inputsHash, caller, createdSeq })
      }
      if (to === 'submitting') yield* giveTurn.run({ caller, seq })
      if (isUnsettled(from) !== isUnsettled(to)) yield* holdGroups.run({ inputsHash })
    },
  }
}

/** Whether a step concerns the twins of other callers, whose groups it may hold or release. */
export function concernsTwins(from: Stage, to: Stage): boolean {
  return to === 'queued' || isUnsettled(from) !== isUnsettled(to)
}

function isUnsettled(stage: Stage): boolean {
  return stage === 'submitting' || stage === 'unknown'
}
