import type { GatewayStatus, NodeStatus } from '../tasks/driver/gateway-status.js'
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

const LipSyncGatewayNode = builder.objectRef<NodeStatus>('LipSyncGatewayNode').implement({
  description: 'A gateway process on the database.',
  fields: t => ({
    id: t.exposeID('id', { description: 'Identifies the process; a restarted one has another id.' }),
    host: t.exposeString('host', { description: 'The name of its machine or container.' }),
    pid: t.exposeInt('pid', { description: 'The number of its process on that machine.' }),
    version: t.exposeString('version', { description: 'Its version of lipsync-gateway.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it started.' }),
    seenAt: t.expose('seenAt', { type: 'DateTime', description: 'When it last showed a sign of life.' }),
    isLost: t.exposeBoolean('isLost', {
      description: 'Whether it has shown no sign of life for 30 s. The other gateways take its work over.',
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
    nodes: t.field({
      type: [LipSyncGatewayNode],
      description:
        'The gateways on the database, the oldest first. One that ended without a shutdown stays listed for a day.',
      resolve: status => status.nodes,
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
