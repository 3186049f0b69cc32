import type { Caller, CallerLimits } from '../tasks/caller.js'
import { SCOPES } from '../tasks/caller.js'
import type { KeptUploads } from '../tasks/upload-store.js'
import { builder } from './builder.js'
import { LipSyncScope } from './enums.js'
import { LipSyncUsageMonth, monthsArg } from './usage.js'

interface Limit {
  readonly max: number
  readonly left: number
}

const LipSyncLimit = builder.objectRef<Limit>('LipSyncLimit').implement({
  description: 'A limit of a caller.',
  fields: t => ({
    max: t.exposeFloat('max', { description: 'The limit.' }),
    left: t.exposeFloat('left', { description: 'How much of it is left now.' }),
  }),
})

type Limits = Readonly<Record<keyof CallerLimits, Limit | null>>

const LipSyncLimits = builder.objectRef<Limits>('LipSyncLimits').implement({
  description: 'The limits of a caller. Null: no limit.',
  fields: t => ({
    createsPerMinute: t.expose('createsPerMinute', {
      type: LipSyncLimit,
      nullable: true,
      description: 'Creates in a minute, counted from the first. A batch is one create.',
    }),
    waitingTasks: t.expose('waitingTasks', {
      type: LipSyncLimit,
      nullable: true,
      description: 'Tasks in the submit queue.',
    }),
    sockets: t.expose('sockets', { type: LipSyncLimit, nullable: true, description: 'Concurrent WebSockets.' }),
    subscriptions: t.expose('subscriptions', {
      type: LipSyncLimit,
      nullable: true,
      description: 'Concurrent subscriptions, over WebSockets and event streams together.',
    }),
    monthlyCredits: t.expose('monthlyCredits', {
      type: LipSyncLimit,
      nullable: true,
      description: 'Credits in a calendar month (UTC): spent and reserved together.',
    }),
    uploadBytes: t.expose('uploadBytes', {
      type: LipSyncLimit,
      nullable: true,
      description: 'Bytes of uploaded files that are kept.',
    }),
  }),
})

const LipSyncKeptUploads = builder.objectRef<KeptUploads>('LipSyncKeptUploads').implement({
  description: 'The uploaded files that the gateway keeps for a caller.',
  fields: t => ({
    files: t.exposeInt('files', { description: 'The number of files.' }),
    bytes: t.exposeFloat('bytes', { description: 'Their size.' }),
  }),
})

const LipSyncViewer = builder.objectRef<Caller>('LipSyncViewer').implement({
  description: 'The caller of this operation.',
  fields: t => ({
    name: t.exposeString('id', { description: 'Its name: that of its API key, or the subject of its token.' }),
    scopes: t.field({
      type: [LipSyncScope],
      description: 'Its permissions.',
      resolve: ({ scopes }) => SCOPES.filter(scope => scopes.has(scope)),
    }),
    limits: t.field({
      complexity: 5,
      type: LipSyncLimits,
      description: 'Its limits, and what is left of each.',
      async resolve({ limits }, _, { tasks }) {
        const left = await tasks.remaining()
        const limitOf = (name: keyof CallerLimits): Limit | null => {
          const [max, rest] = [limits[name], left[name]]
          return max === null || rest === null ? null : { max, left: rest }
        }
        return {
          createsPerMinute: limitOf('createsPerMinute'),
          waitingTasks: limitOf('waitingTasks'),
          sockets: limitOf('sockets'),
          subscriptions: limitOf('subscriptions'),
          monthlyCredits: limitOf('monthlyCredits'),
          uploadBytes: limitOf('uploadBytes'),
        }
      },
    }),
    uploads: t.field({
      type: LipSyncKeptUploads,
      nullable: true,
      complexity: 5,
      description: 'The uploaded files that the gateway keeps for it. Not for watch tokens.',
      resolve: (_, _args, { tasks }) => tasks.uploads(),
    }),
    usage: t.field({
      type: [LipSyncUsageMonth],
      nullable: true,
      complexity: ({ months }) => ({ field: 5, multiplier: Math.max(1, months) }),
      description: 'What it used, the latest month first. Months without tasks are left out. Not for watch tokens.',
      args: { months: t.arg.int(monthsArg) },
      resolve: (_, { months }, { tasks }) => tasks.usage(months),
    }),
  }),
})

builder.queryField('viewer', t =>
  t.field({
    type: LipSyncViewer,
    nullable: true,
    description: 'The caller of this operation: its permissions, limits and usage.',
    resolve: (_, _args, { caller }) => caller,
  }),
)
