import { and, asc, isNotNull, lte, not, sql } from 'drizzle-orm'
import type { Connection, PollQueries } from '../connection.js'

/** The only gateway on the database needs no leases: what it has under way is in its memory. */
export function sqlitePollQueries({ db, tables, dialect, prepare, prepareSql }: Connection): PollQueries {
  const { tasks } = tables
  const { placeholder } = sql
  const due = prepare(
    db
      .select()
      .from(tasks)
      .where(
        and(
          isNotNull(tasks.dueMono),
          lte(tasks.dueMono, placeholder('nowMono')),
          not(dialect.isAmong(tasks.id, 'except')),
        ),
      )
      .orderBy(asc(tasks.dueMono), asc(tasks.id))
      .limit(placeholder('limit')),
  )
  // Prepared without the query builder: it runs thousands of times a second.
  const save = prepareSql(`
    UPDATE tasks SET due_mono = @dueMono, checks = @checks, failures = @failures, absences = @absences, problem = @problem
    WHERE id = @id AND seq = @seq`)
  return {
    takeDue: ({ nowMono, limit, except }) => due.all({ nowMono, limit, except }),
    *savePollStates(states) {
      for (const { task, poll } of states) yield* save.run({ ...poll, id: task.id, seq: task.seq })
    },
  }
}
