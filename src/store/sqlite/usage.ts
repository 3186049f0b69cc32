import { and, desc, eq, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import { centsFor, monthOf } from '../../tasks/pricing.js'
import { isFinal, type Status, statusOf, type Task } from '../../tasks/task.js'
import type { MonthlyUsage } from '../../tasks/task-store.js'
import { usage } from './tables.js'

type Db = BetterSQLite3Database

const COUNTER = {
  PENDING: 'pending',
  PROCESSING: 'processing',
  SUCCESS: 'success',
  FAILED: 'failed',
} as const satisfies Record<Status, string>

const accountOf = (task: Pick<Task, 'caller' | 'createdAt'>) =>
  and(eq(usage.caller, task.caller), eq(usage.month, monthOf(task.createdAt)))

/** What is left of a budget in the month of a new task, in hundredths of a credit. */
export const centsLeft = (
  db: Pick<Db, 'select'>,
  task: Pick<Task, 'caller' | 'createdAt'>,
  budgetCents: number,
): number => {
  const used = db.select().from(usage).where(accountOf(task)).get()
  return budgetCents - (used ? used.spentCents + used.reservedCents : 0)
}

/** Enters a new task: its price is set aside. */
export const addUsage = (db: Pick<Db, 'insert'>, task: Pick<Task, 'caller' | 'createdAt' | 'reservedCents'>): void => {
  const { caller, reservedCents } = task
  db.insert(usage)
    .values({ caller, month: monthOf(task.createdAt), pending: 1, reservedCents })
    .onConflictDoUpdate({
      target: [usage.caller, usage.month],
      set: { pending: sql`${usage.pending} + 1`, reservedCents: sql`${usage.reservedCents} + ${reservedCents}` },
    })
    .run()
}

/** Enters a step: at the end of a task, what was set aside is spent by its true length, or free again. */
export const bookUsage = (db: Pick<Db, 'update'>, from: Task, to: Task): void => {
  const [before, after] = [COUNTER[statusOf(from)], COUNTER[statusOf(to)]]
  if (before === after) return
  const durationMs = to.stage === 'success' ? to.result.durationMs : 0
  db.update(usage)
    .set({
      [before]: sql`${usage[before]} - 1`,
      [after]: sql`${usage[after]} + 1`,
      ...(isFinal(to) && {
        reservedCents: sql`${usage.reservedCents} - ${to.reservedCents}`,
        spentCents: sql`${usage.spentCents} + ${centsFor(durationMs)}`,
        durationMs: sql`${usage.durationMs} + ${durationMs}`,
      }),
    })
    .where(accountOf(to))
    .run()
}

export const usageByMonth = (db: Pick<Db, 'select'>, caller: string, limit: number): MonthlyUsage[] => {
  const rows = db.select().from(usage).where(eq(usage.caller, caller)).orderBy(desc(usage.month)).limit(limit).all()
  return rows.map(({ month, pending, processing, success, failed, durationMs, spentCents, reservedCents }) => ({
    month,
    tasks: { PENDING: pending, PROCESSING: processing, SUCCESS: success, FAILED: failed },
    durationMs,
    spentCents,
    reservedCents,
  }))
}
