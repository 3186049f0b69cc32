import { builder } from './builder.js'
import { LipSyncUserError, payloadOf } from './user-error.js'

const LipSyncWatchToken = builder.objectRef<{ token: string; expiresAt: number }>('LipSyncWatchToken').implement({
  description: 'A credential with which a browser may read and follow some tasks, and nothing else.',
  fields: t => ({
    token: t.exposeString('token', {
      description: 'The token, for `Authorization: Bearer` or `connectionParams`.',
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it expires.' }),
  }),
})

builder.relayMutationField(
  'createWatchToken',
  {
    description: 'What a watch token shows: one of `taskIds`, `reference` and `batchId`.',
    inputFields: t => ({
      taskIds: t.idList({ description: 'The ids of 1 to 100 tasks.' }),
      reference: t.string({ description: 'The reference of the tasks, including future ones.' }),
      batchId: t.id({ description: 'The id of a batch.' }),
      ttlSeconds: t.int({
        defaultValue: 3_600,
        required: true,
        description: 'How long it is valid: 1 to 86,400 seconds.',
      }),
    }),
  },
  {
    nullable: true,
    description:
      "Creates a short-lived token with which a browser may read and follow just these of the caller's tasks.",
    resolve: (_, { input: { ttlSeconds, ...request } }, { tasks, mintWatchToken }) =>
      payloadOf(async () => mintWatchToken(await tasks.watchRestriction(request), ttlSeconds)),
  },
  {
    description: 'The result of `createWatchToken`.',
    outputFields: t => ({
      watchToken: t.field({
        type: LipSyncWatchToken,
        nullable: true,
        description: 'The token; null when there are errors.',
        resolve: ({ value }) => value,
      }),
      errors: t.expose('errors', {
        type: [LipSyncUserError],
        description: 'Every mistake in the input; empty when the mutation was carried out.',
      }),
    }),
  },
)
