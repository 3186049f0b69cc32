import { toCredits } from '../tasks/service/task-view.js'
import { STATUSES, type Status } from '../tasks/task.js'
import type { MonthlyUsage } from '../tasks/task-store.js'
import { builder } from './builder.js'
import { LipSyncStatus } from './enums.js'

export const LipSyncStatusCount = builder
  .objectRef<{ readonly status: Status; readonly count: number }>('LipSyncStatusCount')
  .implement({
    description: 'The number of tasks in a state.',
    fields: t => ({
      status: t.expose('status', { type: LipSyncStatus, description: 'The state.' }),
      count: t.exposeInt('count', { description: 'The number of tasks.' }),
    }),
  })

export const LipSyncUsageMonth = builder.objectRef<MonthlyUsage>('LipSyncUsageMonth').implement({
  description: 'What a caller used in a calendar month (UTC), by the creation times of its tasks.',
  fields: t => ({
    caller: t.exposeString('caller', { description: 'The caller.' }),
    month: t.exposeString('month', { description: 'The month, such as `2026-01`.' }),
    tasks: t.field({
      type: [LipSyncStatusCount],
      description: 'The number of its tasks in each state.',
      resolve: ({ tasks }) => STATUSES.map(status => ({ status, count: tasks[status] })),
    }),
    durationSeconds: t.float({
      description: 'The total length of its results.',
      resolve: ({ durationMs }) => durationMs / 1_000,
    }),
    creditsSpent: t.float({
      description: 'What its results cost.',
      resolve: ({ spentCents }) => toCredits(spentCents),
    }),
    creditsReserved: t.float({
      description: 'What is reserved for tasks that are not final.',
      resolve: ({ reservedCents }) => toCredits(reservedCents),
    }),
  }),
})

export const monthsArg = { defaultValue: 1, required: true, description: 'How many months: 1 to 24.' } as const
