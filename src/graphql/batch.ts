import type { Batch, BatchCounts } from '../tasks/batch.js'
import { toCredits } from '../tasks/service/task-view.js'
import { STATUSES } from '../tasks/task.js'
import { builder } from './builder.js'
import type { GraphQLContext } from './context.js'
import { LipSyncPlaybackType } from './enums.js'
import { Node } from './node.js'
import { LipSyncTask } from './task.js'
import { conditionsOf, LipSyncTaskConnection, LipSyncTaskFilter, pageComplexity, readPage } from './task-list.js'
import { LipSyncStatusCount } from './usage.js'
import { LipSyncUserError, type Payload, payloadOf } from './user-error.js'

export const LipSyncBatch = builder.objectRef<Batch>('LipSyncBatch').implement({
  description: 'One video with many audio tracks: tasks that were accepted together, all or none.',
  interfaces: [Node],
  isTypeOf: value => 'size' in (value as object),
  fields: t => ({
    id: t.exposeID('id', { description: 'The id of the batch.' }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When the gateway accepted it.',
      resolve: ({ createdAt }) => createdAt,
    }),
    size: t.exposeInt('size', { description: 'The number of its tasks.' }),
    tasks: t.connection(
      {
        type: LipSyncTask,
        description: 'Its tasks, newest first, a page at a time.',
        complexity: pageComplexity,
        args: { filter: t.arg({ type: LipSyncTaskFilter, description: 'Selects tasks; all when left out.' }) },
        resolve: ({ id }, { filter, ...args }, context) =>
          readPage(args, context, range => context.tasks.list({ ...conditionsOf(filter), batchId: id, ...range })),
      },
      LipSyncTaskConnection,
    ),
    counts: t.field({
      type: [LipSyncStatusCount],
      description: 'The number of its tasks in each state.',
      complexity: 5,
      async resolve(batch, _, context) {
        const { tasks } = await countsOf(batch, context)
        return STATUSES.map(status => ({ status, count: tasks[status] }))
      },
    }),
    progress: t.float({
      description: 'The share of its tasks that are final, 0 to 1.',
      complexity: 5,
      async resolve(batch, _, context) {
        const { tasks } = await countsOf(batch, context)
        return (batch.size - tasks.PENDING - tasks.PROCESSING) / batch.size
      },
    }),
    creditsSpent: t.float({
      description: 'What its results cost so far.',
      complexity: 5,
      resolve: async (batch, _, context) => toCredits((await countsOf(batch, context)).spentCents),
    }),
    creditsReserved: t.float({
      description: 'What is reserved for its tasks that are not final.',
      complexity: 5,
      resolve: async (batch, _, context) => toCredits((await countsOf(batch, context)).reservedCents),
    }),
  }),
})

const counts = new WeakMap<Batch, Promise<BatchCounts>>()

/** Reads the counts of a batch once, for all of its fields. */
function countsOf(batch: Batch, { tasks }: GraphQLContext): Promise<BatchCounts> {
  const known = counts.get(batch) ?? tasks.batchCounts(batch)
  counts.set(batch, known)
  return known
}

builder.queryField('lipSyncBatch', t =>
  t.field({
    type: LipSyncBatch,
    nullable: true,
    description: 'Returns the batch, or null when no batch has this id.',
    args: { id: t.arg.id({ required: true, description: 'The id of the batch.' }) },
    resolve: (_, { id }, { tasks }) => tasks.batch(id),
  }),
)

const LipSyncTrack = builder.inputType('LipSyncTrackInput', {
  description: 'An audio track of a batch.',
  fields: t => ({
    audioUrl: t.field({ type: 'URL', required: true, description: 'The audio that the mouth will follow.' }),
    reference: t.string({ description: "The caller's own name for the task, at most 200 characters." }),
    idempotencyKey: t.string({
      description: 'Makes the call safe to repeat: with the same keys and the same input it returns the same batch.',
    }),
    expectedDurationSeconds: t.float({
      description: 'The expected length of the output, if known: its price is reserved from the budget.',
    }),
  }),
})

const batchPayload = (description: string) => ({
  description,
  outputFields: (t: PothosSchemaTypes.ObjectFieldBuilder<typeof builder.$inferSchemaTypes, Payload<Batch>>) => ({
    batch: t.field({
      type: LipSyncBatch,
      nullable: true,
      description: 'The batch; null when there are errors.',
      resolve: ({ value }) => value,
    }),
    errors: t.expose('errors', {
      type: [LipSyncUserError],
      description:
        'Every mistake in the input, with the index of its track in the path; empty when it was carried out.',
    }),
  }),
})

builder.relayMutationField(
  'createLipSyncBatch',
  {
    description: 'One video with many audio tracks.',
    inputFields: t => ({
      videoUrl: t.field({ type: 'URL', required: true, description: 'The talking-head video of all tasks.' }),
      playbackType: t.field({
        type: LipSyncPlaybackType,
        required: true,
        defaultValue: 'normal',
        description: 'How a video that is shorter than the audio is extended.',
      }),
      tracks: t.field({
        type: [LipSyncTrack],
        required: true,
        description: '1 to 500 audio tracks, one for each task.',
      }),
    }),
  },
  {
    nullable: true,
    description:
      'Accepts a task for each track, all or none: one decision about the budget and the limits, and no task unless every track is right. A batch counts as one create against `createsPerMinute`.',
    resolve: (_, { input }, { tasks }) => payloadOf(() => tasks.createBatch(input)),
  },
  batchPayload('The result of `createLipSyncBatch`.'),
)

builder.relayMutationField(
  'cancelLipSyncBatch',
  {
    description: 'The batch to cancel.',
    inputFields: t => ({ id: t.id({ required: true, description: 'The id of the batch.' }) }),
  },
  {
    nullable: true,
    description: 'Cancels the tasks of a batch that are still queued, at no cost. Those that were submitted go on.',
    resolve: (_, { input: { id } }, { tasks }) => payloadOf(() => tasks.cancelBatch(id)),
  },
  batchPayload('The result of `cancelLipSyncBatch`.'),
)
