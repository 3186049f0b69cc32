import { badInput } from '../errors.js'
import type { Caller } from '../tasks/caller.js'
import { STATUSES } from '../tasks/task.js'
import type { MonthlyUsage } from '../tasks/task-store.js'
import { builder } from './builder.js'
import { LipSyncStatus } from './task.js'

type Month = MonthlyUsage & { readonly budget: Caller['limits']['monthlyCredits'] }

const MOST_MONTHS = 24

const StatusCount = builder.objectRef<{ status: (typeof STATUSES)[number]; count: number }>('StatusCount').implement({
  description: 'How many tasks stand like this.',
  fields: t => ({
    status: t.expose('status', { type: LipSyncStatus, description: 'How they stand.' }),
    count: t.exposeInt('count', { description: 'How many they are.' }),
  }),
})

const UsageMonth = builder.objectRef<Month>('UsageMonth').implement({
  description: 'What a caller used in one calendar month (UTC), by when its tasks were created.',
  fields: t => ({
    month: t.exposeString('month', { description: 'Such as `2026-01`.' }),
    tasks: t.field({
      type: [StatusCount],
      description: 'Its tasks, by how they stand.',
      resolve: ({ tasks }) => STATUSES.map(status => ({ status, count: tasks[status] })),
    }),
    seconds: t.float({ description: 'How long the results play.', resolve: ({ durationMs }) => durationMs / 1_000 }),
    creditsSpent: t.float({ description: 'What the results cost.', resolve: ({ spentCents }) => spentCents / 100 }),
    creditsReserved: t.float({
      description: 'What is set aside for tasks that are not final.',
      resolve: ({ reservedCents }) => reservedCents / 100,
    }),
    creditsBudget: t.float({
      nullable: true,
      description: "The caller's budget for a month, as it is today; null: none.",
      resolve: ({ budget }) => budget,
    }),
  }),
})

builder.queryField('usage', t =>
  t.field({
    type: [UsageMonth],
    description: 'What the caller used, month by month, the latest first. A month without tasks is left out.',
    args: {
      months: t.arg.int({ defaultValue: 1, required: true, description: `How many months, 1 to ${MOST_MONTHS}.` }),
    },
    resolve: async (_, { months }, { tasks, caller }) => {
      if (!(months >= 1 && months <= MOST_MONTHS)) throw badInput('months', `months must be from 1 to ${MOST_MONTHS}`)
      const used = await tasks.usage(months)
      return used.map(month => ({ ...month, budget: caller.limits.monthlyCredits }))
    },
  }),
)
