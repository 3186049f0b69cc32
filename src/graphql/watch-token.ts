import { badInput, GatewayError } from '../errors.js'
import { need } from '../tasks/access.js'
import { builder } from './builder.js'

const MOST_TASKS = 100
const LONGEST_TTL_SECONDS = 86_400

const WatchToken = builder.objectRef<{ token: string; expiresAt: number }>('WatchToken').implement({
  description: 'What a browser needs to follow some tasks, and nothing else.',
  fields: t => ({
    token: t.exposeString('token', { description: 'To be sent as `Authorization: Bearer`, or in `connectionParams`.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'Until when it is good.',
      resolve: ({ expiresAt }) => new Date(expiresAt),
    }),
  }),
})

builder.mutationField('createWatchToken', t =>
  t.field({
    type: WatchToken,
    description: "A short-lived token with which a browser may read and follow just these of the caller's tasks.",
    args: {
      taskIds: t.arg.idList({ description: `The tasks, at most ${MOST_TASKS}; or else a reference.` }),
      reference: t.arg.string({ description: 'All tasks with this reference, later ones too; or else task ids.' }),
      ttlSeconds: t.arg.int({
        defaultValue: 3_600,
        required: true,
        description: `How long it is good, 1 to ${LONGEST_TTL_SECONDS} seconds.`,
      }),
    },
    resolve: async (_, { taskIds, reference, ttlSeconds }, { caller, tasks, mintWatchToken }) => {
      need(caller, 'read')
      if (caller.only) throw new GatewayError('FORBIDDEN', 'A watch token makes no others.')
      if (!(ttlSeconds >= 1 && ttlSeconds <= LONGEST_TTL_SECONDS))
        throw badInput('ttlSeconds', `ttlSeconds must be from 1 to ${LONGEST_TTL_SECONDS}`)
      if (taskIds && reference == null) {
        if (taskIds.length === 0 || taskIds.length > MOST_TASKS)
          throw badInput('taskIds', `taskIds must be 1 to ${MOST_TASKS}`)
        for (const id of taskIds)
          if (!(await tasks.get(id))) throw new GatewayError('NOT_FOUND', 'There is no task with this id.', { id })
        return mintWatchToken({ only: { taskIds }, ttlSeconds })
      }
      if (reference == null || taskIds) throw badInput('taskIds', 'taskIds or reference must be given, and not both')
      if (reference.length > 200) throw badInput('reference', 'reference is longer than 200 characters')
      return mintWatchToken({ only: { reference }, ttlSeconds })
    },
  }),
)
