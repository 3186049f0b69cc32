import { need } from '../tasks/access.js'
import { LANE_STATES, type LaneStatus } from '../tasks/lane.js'
import type { GatewayStatus as Status } from '../tasks/status.js'
import { builder } from './builder.js'

const time = (at: number | null): Date | null => (at === null ? null : new Date(at))

const LaneState = builder.enumType('LaneState', {
  description: 'Whether tasks leave for the upstream.',
  values: {
    OPEN: { value: LANE_STATES[0], description: 'They leave as they come.' },
    FULL: { value: LANE_STATES[1], description: 'As many left in the last minute, or are being made, as may.' },
    HELD: { value: LANE_STATES[2], description: 'The upstream refused or failed; it is tried again, slowly.' },
  },
})

const SubmitLane = builder.objectRef<LaneStatus>('SubmitLane').implement({
  description: 'The one place from which paid calls leave.',
  fields: t => ({
    state: t.expose('state', { type: LaneState, description: 'Whether tasks leave.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why they do not, for people.' }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the next may leave; null: at once.',
      resolve: lane => time(lane.until),
    }),
  }),
})

const GatewayStatus = builder.objectRef<Status>('GatewayStatus').implement({
  description: 'How the gateway itself is doing.',
  fields: t => ({
    upstream: t.exposeString('upstream', { description: 'Who makes the lip syncs: `jogg` or `engine`.' }),
    lane: t.expose('lane', { type: SubmitLane, description: 'Whether tasks leave for the upstream.' }),
    queueDepth: t.exposeInt('queueDepth', { description: 'How many tasks wait to be sent.' }),
    activeTasks: t.exposeInt('activeTasks', { description: 'How many tasks were sent and have no end yet.' }),
    oldestQueuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when the longest waiting task waits to be sent.',
      resolve: status => time(status.oldestQueuedAt),
    }),
    lastLookAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the upstream last answered how a task stands; null: not since the start.',
      resolve: status => time(status.lastLookAt),
    }),
  }),
})

builder.queryField('gatewayStatus', t =>
  t.field({
    type: GatewayStatus,
    description: 'How the gateway itself is doing. Needs the scope `admin`.',
    resolve: (_, _args, { caller, status }) => {
      need(caller, 'admin')
      return status()
    },
  }),
)
