import { and, asc, isNotNull, lte, sql } from 'drizzle-orm'
import type { PollState } from '../../tasks/poll-state.js'
import type { Polled, PollQueue } from '../../tasks/task-store.js'
import type { Connection } from './connection.js'
import { type TaskRow, taskOf } from './row.js'
import { tasks } from './tables.js'

/** The tasks with a check to come, ordered by when it is due. */
export function createPollQueue({ sqlite, db, read, writeUnsynced }: Connection): PollQueue {
  const { placeholder } = sql
  const isPolled = isNotNull(tasks.dueMono)
  const due = db
    .select()
    .from(tasks)
    .where(
      and(
        isPolled,
        lte(tasks.dueMono, placeholder('nowMono')),
        sql`${tasks.id} NOT IN (SELECT value FROM json_each(${placeholder('except')}))`,
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
  // Prepared without the query builder: it runs thousands of times a second.
  const save = sqlite.prepare(`
    UPDATE tasks SET due_mono = @dueMono, checks = @checks, failures = @failures, absences = @absences, problem = @problem
    WHERE id = @id AND seq = @seq`)

  return {
    due: (nowMono, limit, except = []) =>
      read(() => due.all({ nowMono, limit, except: JSON.stringify(except) }).map(toPolled)),
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

function toPolled(row: TaskRow): Polled {
  return { task: taskOf(row), poll: toPollState(row) }
}

function toPollState({ dueMono, checks, failures, absences, problem }: TaskRow): PollState {
  return { dueMono, checks, failures, absences, problem }
}
