import { and, asc, desc, eq, gte, lt, sql } from 'drizzle-orm'
import { monthOf } from '../tasks/month.js'
import { isFinal, type Status, statusOf, type Task } from '../tasks/task.js'
import type { MonthlyUsage, UsageStore } from '../tasks/task-store.js'
import type { Connection, Tables } from './connection.js'
import type { Work } from './statement.js'

type UsageRow = Tables['usage']['$inferSelect']
type Created = Pick<Task, 'caller' | 'createdAt' | 'reservedCents'>

const COUNTERS = {
  PENDING: 'pending',
  PROCESSING: 'processing',
  SUCCESS: 'success',
  FAILED: 'failed',
  CANCELED: 'canceled',
} as const satisfies Record<Status, string>

/** Keeps `usage`. Every method runs within the transaction of the step. */
export function createAccounts({ db, tables, prepare }: Connection) {
  const { usage } = tables
  const { placeholder } = sql
  const isAccount = and(eq(usage.month, placeholder('month')), eq(usage.caller, placeholder('caller')))
  const used = prepare(
    db
      .select({ cents: sql<number>`${usage.spentCents} + ${usage.reservedCents}` })
      .from(usage)
      .where(isAccount),
  )
  const reserve = prepare(
    db
      .insert(usage)
      .values({
        month: placeholder('month'),
        caller: placeholder('caller'),
        pending: 1,
        processing: 0,
        success: 0,
        failed: 0,
        canceled: 0,
        durationMs: 0,
        spentCents: 0,
        reservedCents: placeholder('reservedCents'),
      })
      .onConflictDoUpdate({
        target: [usage.month, usage.caller],
        set: {
          pending: sql`${usage.pending} + 1`,
          reservedCents: sql`${usage.reservedCents} + excluded.reserved_cents`,
        },
      }),
  )
  const plus = (counter: keyof UsageRow) => sql`${usage[counter]} + ${placeholder(counter)}`
  const book = prepare(
    db
      .update(usage)
      .set({
        pending: plus('pending'),
        processing: plus('processing'),
        success: plus('success'),
        failed: plus('failed'),
        canceled: plus('canceled'),
        durationMs: plus('durationMs'),
        spentCents: plus('spentCents'),
        reservedCents: plus('reservedCents'),
      })
      .where(isAccount),
  )

  return {
    /** What the caller spent and reserved in the month of a new task, in hundredths of a credit. */
    *usedCents({ caller, createdAt }: Created): Work<number> {
      return (yield* used.get({ month: monthOf(createdAt), caller }))?.cents ?? 0
    },

    *created({ caller, createdAt, reservedCents }: Created): Work<void> {
      yield* reserve.run({ month: monthOf(createdAt), caller, reservedCents })
    },

    /** At the end of a task its reservation becomes its cost, or is released. */
    *moved(from: Task, to: Task): Work<void> {
      const [before, after] = [COUNTERS[statusOf(from)], COUNTERS[statusOf(to)]]
      if (before === after) return
      const { caller, createdAt } = to
      yield* book.run({
        ...NOTHING,
        month: monthOf(createdAt),
        caller,
        [before]: -1,
        [after]: 1,
        ...(isFinal(to) && { reservedCents: -to.reservedCents }),
        ...(to.stage === 'success' && { spentCents: to.costCents, durationMs: to.result.durationMs ?? 0 }),
      })
    },
  }
}

const NOTHING = {
  pending: 0,
  processing: 0,
  success: 0,
  failed: 0,
  canceled: 0,
  durationMs: 0,
  spentCents: 0,
  reservedCents: 0,
}

export function createUsage({ db, tables, prepare, readSnapshot }: Connection): UsageStore {
  const { usage } = tables
  const { placeholder } = sql
  const ofCaller = prepare(
    db
      .select()
      .from(usage)
      .where(eq(usage.caller, placeholder('caller')))
      .orderBy(desc(usage.month))
      .limit(placeholder('months')),
  )
  const monthBefore = prepare(
    db
      .select({ month: usage.month })
      .from(usage)
      .where(lt(usage.month, placeholder('month')))
      .orderBy(desc(usage.month))
      .limit(1),
  )
  const since = prepare(
    db
      .select()
      .from(usage)
      .where(gte(usage.month, placeholder('month')))
      .orderBy(asc(usage.month), asc(usage.caller)),
  )

  function* ofAll(months: number): Work<UsageRow[]> {
    let earliest = LATER_THAN_ALL
    for (let left = months; left > 0; left--)
      earliest = (yield* monthBefore.get({ month: earliest }))?.month ?? earliest
    const rows = yield* since.all({ month: earliest })
    // The sort is stable: within a month the callers stay in their order.
    return rows.sort((a, b) => (a.month < b.month ? 1 : a.month > b.month ? -1 : 0))
  }

  return {
    usage: async ({ caller, months }) =>
      (await readSnapshot(() => (caller === undefined ? ofAll(months) : ofCaller.all({ caller, months })))).map(
        toMonthlyUsage,
      ),
  }
}

/** Greater than every `2026-01`. */
const LATER_THAN_ALL = ':'

function toMonthlyUsage(row: UsageRow): MonthlyUsage {
  const { caller, month, pending, processing, success, failed, canceled, durationMs, spentCents, reservedCents } = row
  const tasks = { PENDING: pending, PROCESSING: processing, SUCCESS: success, FAILED: failed, CANCELED: canceled }
  return { caller, month, tasks, durationMs, spentCents, reservedCents }
}
