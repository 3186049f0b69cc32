import { getTableColumns } from 'drizzle-orm'
import type { Connection, PollQueries, Tables } from '../connection.js'

type TaskRow = Tables['tasks']['$inferSelect']

/** What is taken gets the end of its lease as its due time, so that no other gateway finds it due. */
export function postgresPollQueries({ tables, prepareSql }: Connection): PollQueries {
  const columns = Object.entries(getTableColumns(tables.tasks)).map(([name, column]) => ({ name, column: column.name }))
  // The columns as they were before: the row that the update returns already has the end of the lease.
  const before = columns.map(({ name, column }) => `due.${column} AS "${name}"`).join(', ')
  const take = prepareSql<TaskRow>(`
    WITH due AS (
      SELECT * FROM tasks
      WHERE due_mono IS NOT NULL AND due_mono <= @nowMono AND id <> ALL(@except::text[])
      ORDER BY due_mono, id LIMIT @limit FOR UPDATE SKIP LOCKED
    ), taken AS (
      UPDATE tasks SET due_mono = @leaseMono FROM due WHERE tasks.id = due.id RETURNING tasks.id
    )
    SELECT ${before} FROM due JOIN taken ON taken.id = due.id ORDER BY due.due_mono, due.id`)
  const save = prepareSql(`
    UPDATE tasks SET due_mono = saved.due_mono, checks = saved.checks, failures = saved.failures,
      absences = saved.absences, problem = saved.problem
    FROM unnest(@ids::text[], @seqs::bigint[], @dueMonos::bigint[], @checks::bigint[], @failures::bigint[],
      @absences::bigint[], @problems::text[])
      AS saved (id, seq, due_mono, checks, failures, absences, problem)
    WHERE tasks.id = saved.id AND tasks.seq = saved.seq`)
  return {
    takeDue: ({ nowMono, leaseMono, limit, except }) => take.all({ nowMono, leaseMono, limit, except }),
    savePollStates(states) {
      // One order for all gateways, so that two that save the same tasks do not wait for each other.
      const ordered = [...states].sort((a, b) => (a.task.id < b.task.id ? -1 : 1))
      return save.run({
        ids: ordered.map(({ task }) => task.id),
        seqs: ordered.map(({ task }) => task.seq),
        dueMonos: ordered.map(({ poll }) => poll.dueMono),
        checks: ordered.map(({ poll }) => poll.checks),
        failures: ordered.map(({ poll }) => poll.failures),
        absences: ordered.map(({ poll }) => poll.absences),
        problems: ordered.map(({ poll }) => poll.problem),
      })
    },
  }
}
