import type { GatewayStatus as Status } from '../tasks/driver/gateway-status.js'
import { SUBMIT_QUEUE_STATES, type SubmitQueueStatus } from '../tasks/driver/submitter.js'
import { requireScope } from '../tasks/service/permissions.js'
import { builder } from './builder.js'

const time = (at: number | null): Date | null => (at === null ? null : new Date(at))

const SubmitQueueState = builder.enumType('SubmitQueueState', {
  description: 'Whether tasks leave for the upstream.',
  values: {
    OPEN: { value: SUBMIT_QUEUE_STATES[0], description: 'They leave as they come.' },
    AT_LIMIT: {
      value: SUBMIT_QUEUE_STATES[1],
      description: 'As many left in the last minute, or are being made, as may.',
    },
    PAUSED: {
      value: SUBMIT_QUEUE_STATES[2],
      description: 'The upstream refused or failed; it is tried again, slowly.',
    },
  },
})

const SubmitQueue = builder.objectRef<SubmitQueueStatus>('SubmitQueue').implement({
  description: 'The one place from which paid calls leave.',
  fields: t => ({
    state: t.expose('state', { type: SubmitQueueState, description: 'Whether tasks leave.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why they do not, for people.' }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next may leave; null: at once.',
      resolve: queue => time(queue.until),
    }),
  }),
})

const GatewayStatus = builder.objectRef<Status>('GatewayStatus').implement({
  description: 'How the gateway itself is doing.',
  fields: t => ({
    upstream: t.exposeString('upstream', { description: 'Who makes the lip syncs: `jogg` or `engine`.' }),
    submitQueue: t.expose('submitQueue', { type: SubmitQueue, description: 'Whether tasks leave for the upstream.' }),
    queueDepth: t.exposeInt('queueDepth', { description: 'How many tasks wait to be sent.' }),
    activeTasks: t.exposeInt('activeTasks', { description: 'How many tasks were sent and have no end yet.' }),
    oldestQueuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when the longest waiting task waits to be sent.',
      resolve: status => time(status.oldestQueuedAt),
    }),
    lastCheckedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the upstream last answered how a task stands; null: not since the start.',
      resolve: status => time(status.lastCheckedAt),
    }),
  }),
})

builder.queryField('gatewayStatus', t =>
  t.field({
    type: GatewayStatus,
    description: 'How the gateway itself is doing. Needs the scope `admin`.',
    resolve: (_, _args, { caller, status }) => {
      requireScope(caller, 'admin')
      return status()
    },
  }),
)
