import { asc, isNotNull } from 'drizzle-orm'
import type { PollState } from '../tasks/poll-state.js'
import type { Polled, PollQueue } from '../tasks/task-store.js'
import { type Connection, NO_LOCKS } from './connection.js'
import { type TaskRow, taskOf } from './row.js'

/** The tasks with a check to come, ordered by when it is due. */
export function createPollQueue(connection: Connection): PollQueue {
  const { db, tables, dialect, prepare, read, writeUnsynced } = connection
  const { tasks } = tables
  const states = prepare(db.select().from(tasks).where(dialect.isAmong(tasks.id, 'ids')))
  const next = prepare(
    db
      .select({ dueMono: tasks.dueMono })
      .from(tasks)
      .where(isNotNull(tasks.dueMono))
      .orderBy(asc(tasks.dueMono))
      .limit(1),
  )
  const { takeDue, savePollStates } = dialect.pollQueries(connection)

  return {
    async takeDue({ nowMono, leaseMs, limit, except = [] }) {
      const taken = () => takeDue({ nowMono, leaseMono: nowMono + leaseMs, limit, except: dialect.list(except) })
      const rows = await (connection.isShared ? writeUnsynced(NO_LOCKS, taken) : read(taken))
      return rows.map(toPolled)
    },
    async pollStates(ids) {
      const rows = await read(() => states.all({ ids: dialect.list(ids) }))
      return new Map(rows.map(row => [row.id, toPollState(row)]))
    },
    nextDueMono: async () => (await read(() => next.get()))?.dueMono ?? null,
    async savePollStates(saved) {
      if (saved.length > 0) await writeUnsynced(NO_LOCKS, () => savePollStates(saved))
    },
  }
}

function toPolled(row: TaskRow): Polled {
  return { task: taskOf(row), poll: toPollState(row) }
}

function toPollState({ dueMono, checks, failures, absences, problem }: TaskRow): PollState {
  return { dueMono, checks, failures, absences, problem }
}
