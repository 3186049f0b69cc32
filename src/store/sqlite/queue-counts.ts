import { and, eq, sql } from 'drizzle-orm'
import type { Stage } from '../../tasks/task.js'
import type { Connection } from './connection.js'
import { callerQueues, stageCounts, tasks, twinQueues } from './tables.js'

/** The fields of a queued task that its counts depend on. */
export interface Place {
  readonly caller: string
  readonly inputsHash: string
  readonly createdSeq: number
}

/**
 * Keeps `caller_queues`, `twin_queues` and `stage_counts`. Every method runs within the transaction of the step, after
 * the row of the task was written.
 */
export function createQueueCounts({ db }: Pick<Connection, 'db'>) {
  const { placeholder } = sql
  const countStage = db
    .insert(stageCounts)
    .values({ stage: placeholder('stage'), count: placeholder('by') })
    .onConflictDoUpdate({ target: stageCounts.stage, set: { count: sql`${stageCounts.count} + excluded.count` } })
    .prepare()
  const countWaiting = db
    .insert(callerQueues)
    .values({ caller: placeholder('caller'), waiting: placeholder('by'), turn: 0 })
    .onConflictDoUpdate({
      target: callerQueues.caller,
      set: { waiting: sql`${callerQueues.waiting} + excluded.waiting` },
    })
    .prepare()
  const giveTurn = db
    .update(callerQueues)
    .set({ turn: sql`${placeholder('seq')}` })
    .where(eq(callerQueues.caller, placeholder('caller')))
    .prepare()
  const waitingOf = db
    .select({ waiting: callerQueues.waiting })
    .from(callerQueues)
    .where(eq(callerQueues.caller, placeholder('caller')))
    .prepare()

  const hasUnsettledTwin = sql`EXISTS (SELECT 1 FROM ${tasks} WHERE ${tasks.inputsHash} = ${placeholder('inputsHash')}
    AND ${tasks.stage} IN ('submitting', 'unknown'))`
  const head = sql`(SELECT ${tasks.createdSeq} FROM ${tasks} WHERE ${tasks.stage} = 'queued'
    AND ${tasks.inputsHash} = ${placeholder('inputsHash')} AND ${tasks.caller} = ${placeholder('caller')}
    ORDER BY ${tasks.createdSeq} LIMIT 1)`
  const isGroup = and(
    eq(twinQueues.inputsHash, placeholder('inputsHash')),
    eq(twinQueues.caller, placeholder('caller')),
  )
  const enterGroup = db
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
        headSeq: sql`min(${twinQueues.headSeq}, excluded.head_seq)`,
      },
    })
    .prepare()
  const leaveGroup = db
    .update(twinQueues)
    .set({ waiting: sql`${twinQueues.waiting} - 1`, headSeq: sql`coalesce(${head}, 0)` })
    .where(isGroup)
    .prepare()
  const dropEmptyGroup = db
    .delete(twinQueues)
    .where(and(isGroup, eq(twinQueues.waiting, 0)))
    .prepare()
  const holdGroups = db
    .update(twinQueues)
    .set({ isHeld: hasUnsettledTwin })
    .where(eq(twinQueues.inputsHash, placeholder('inputsHash')))
    .prepare()

  function enter({ caller, inputsHash, createdSeq }: Place) {
    countWaiting.run({ caller, by: 1 })
    enterGroup.run({ inputsHash, caller, createdSeq })
  }

  function leave({ caller, inputsHash }: Place) {
    countWaiting.run({ caller, by: -1 })
    leaveGroup.run({ inputsHash, caller })
    dropEmptyGroup.run({ inputsHash, caller })
  }

  return {
    waitingOf: (caller: string): number => waitingOf.get({ caller })?.waiting ?? 0,

    created(place: Place) {
      countStage.run({ stage: 'queued', by: 1 })
      enter(place)
    },

    moved(place: Place, from: Stage, to: Stage, seq: number) {
      countStage.run({ stage: from, by: -1 })
      countStage.run({ stage: to, by: 1 })
      if (from === 'queued') leave(place)
      if (to === 'queued') enter(place)
      if (to === 'submitting') giveTurn.run({ caller: place.caller, seq })
      if (isUnsettled(from) !== isUnsettled(to)) holdGroups.run({ inputsHash: place.inputsHash })
    },
  }
}

function isUnsettled(stage: Stage): boolean {
  return stage === 'submitting' || stage === 'unknown'
}
