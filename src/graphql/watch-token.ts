import { badInput, GatewayError } from '../errors.js'
import { requireScope } from '../tasks/service/permissions.js'
import { builder } from './builder.js'

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
      taskIds: t.arg.idList({ description: 'The tasks, 1 to 100; or else a reference.' }),
      reference: t.arg.string({ description: 'All tasks with this reference, later ones too; or else task ids.' }),
      ttlSeconds: t.arg.int({
        defaultValue: 3_600,
        required: true,
        description: 'How long it is good, 1 to 86,400 seconds.',
      }),
    },
    resolve: async (_, { taskIds, reference, ttlSeconds }, { caller, tasks, mintWatchToken }) => {
      requireScope(caller, 'read')
      if (reference != null && !taskIds) return mintWatchToken({ reference }, ttlSeconds)
      if (reference != null || !taskIds) throw badInput('taskIds', 'taskIds or reference must be given, and not both')
      // Made first, because that bounds how many there are to look up.
      const minted = await mintWatchToken({ taskIds }, ttlSeconds)
      for (const id of taskIds)
        if (!(await tasks.get(id))) throw new GatewayError('NOT_FOUND', 'There is no task with this id.', { id })
      return minted
    },
  }),
)
