import { and, asc, eq, isNotNull, lte, sql } from 'drizzle-orm'
import type { PollState } from '../../tasks/poll-state.js'
import type { Polled, PollQueue } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { type TaskRow, taskOf } from './row.js'
import { tasks } from './tables.js'

/** The tasks with a check to come, ordered by when it is due. */
export function createPollQueue({ db, read, writeUnsynced }: Connection): PollQueue {
  const { placeholder } = sql
  const isPolled = isNotNull(tasks.dueMono)
  const due = db
    .select()
    .from(tasks)
    .where(
      and(
        isPolled,
        lte(tasks.dueMono, placeholder('nowMono')),
        sql`(${tasks.dueMono}, ${tasks.id}) > (${placeholder('afterMono')}, ${placeholder('afterId')})`,
      ),
    )
    .orderBy(asc(tasks.dueMono), asc(tasks.id))
    .limit(placeholder('limit'))
    .prepare()
  const states = db
    .select()
    .from(tasks)
    .where(sql`${tasks.id} IN (SELECT value FROM json_each(${placeholder('ids')}))`)
    .prepare()
  const next = db
    .select({ dueMono: tasks.dueMono })
    .from(tasks)
    .where(isPolled)
    .orderBy(asc(tasks.dueMono))
    .limit(1)
    .prepare()
  const save = db
    .update(tasks)
    .set({
      dueMono: sql`${placeholder('dueMono')}`,
      checks: sql`${placeholder('checks')}`,
      failures: sql`${placeholder('failures')}`,
      absences: sql`${placeholder('absences')}`,
      problem: sql`${placeholder('problem')}`,
    })
    .where(and(eq(tasks.id, placeholder('id')), eq(tasks.seq, placeholder('seq'))))
    .prepare()

  return {
    due: (nowMono, limit, after = BEFORE_ALL) =>
      read(() => due.all({ nowMono, limit, afterMono: after.dueMono, afterId: after.id }).map(toPolled)),
    pollStates: ids =>
      read(() => new Map(states.all({ ids: JSON.stringify(ids) }).map(row => [row.id, toPollState(row)]))),
    nextDueMono: () => read(() => next.get()?.dueMono ?? null),
    async savePollStates(states) {
      if (states.length === 0) return
      await writeUnsynced(() => {
        for (const { task, poll } of states) save.run({ ...poll, id: task.id, seq: task.seq })
      })
    },
  }
}

const BEFORE_ALL = { dueMono: Number.MIN_SAFE_INTEGER, id: '' }

function toPolled(row: TaskRow): Polled {
  return { task: taskOf(row), poll: toPollState(row) }
}

function toPollState({ dueMono, checks, failures, absences, problem }: TaskRow): PollState {
  return { dueMono, checks, failures, absences, problem }
}
