import type { GatewayStatus } from '../tasks/driver/gateway-status.js'
import { requireScope } from '../tasks/service/permissions.js'
import { builder } from './builder.js'
import { LipSyncSubmitQueueState } from './enums.js'
import { LipSyncTask } from './task.js'
import { conditionsOf, LipSyncGatewayTaskFilter, LipSyncTaskConnection, pageComplexity, readPage } from './task-list.js'
import { LipSyncUsageMonth, monthsArg } from './usage.js'

const LipSyncSubmitQueue = builder.objectRef<GatewayStatus>('LipSyncSubmitQueue').implement({
  description: 'The queue from which tasks are submitted to the upstream.',
  fields: t => ({
    state: t.field({
      type: LipSyncSubmitQueueState,
      description: 'Whether tasks are submitted.',
      resolve: ({ submitQueue }) => submitQueue.state,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why tasks are not submitted, for people; null while they are.',
      resolve: ({ submitQueue }) => submitQueue.reason,
    }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next task may be submitted; null: immediately.',
      resolve: ({ submitQueue }) => submitQueue.until,
    }),
    length: t.exposeInt('queueDepth', { description: 'The number of queued tasks.' }),
    oldestQueuedAt: t.expose('oldestQueuedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the oldest queued task was queued; null when the queue is empty.',
    }),
  }),
})

const LipSyncGateway = builder.objectRef<GatewayStatus>('LipSyncGateway').implement({
  description: 'The gateway as its operators see it.',
  fields: t => ({
    upstream: t.exposeString('upstream', { description: 'The name of the upstream, such as `jogg`.' }),
    submitQueue: t.field({
      type: LipSyncSubmitQueue,
      description: 'The submit queue.',
      resolve: status => status,
    }),
    activeTasks: t.exposeInt('activeTasks', {
      description: 'The number of tasks that were submitted and are not final.',
    }),
    lastCheckedAt: t.expose('lastCheckedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the upstream last answered a status check; null: not since the start.',
    }),
    tasks: t.connection(
      {
        type: LipSyncTask,
        nullable: true,
        description: 'The tasks of all callers, newest first, a page at a time.',
        complexity: pageComplexity,
        args: { filter: t.arg({ type: LipSyncGatewayTaskFilter, description: 'Selects tasks; all when left out.' }) },
        resolve: (_, { filter, ...args }, context) =>
          readPage(args, context, range =>
            context.tasks.listAll({ ...conditionsOf(filter), caller: filter?.caller ?? undefined, ...range }),
          ),
      },
      LipSyncTaskConnection,
    ),
    usage: t.field({
      type: [LipSyncUsageMonth],
      nullable: true,
      complexity: ({ months }) => ({ field: 10, multiplier: Math.max(1, months) * 10 }),
      description: 'What each caller used, the latest month first. Months without tasks are left out.',
      args: { months: t.arg.int(monthsArg) },
      resolve: (_, { months }, { tasks }) => tasks.usageOfAll(months),
    }),
  }),
})

builder.queryField('gateway', t =>
  t.field({
    type: LipSyncGateway,
    nullable: true,
    complexity: 5,
    description: 'The state of the gateway, and the tasks and usage of all callers. Requires the scope `admin`.',
    resolve(_, _args, { caller, status }) {
      requireScope(caller, 'admin')
      return status()
    },
  }),
)
