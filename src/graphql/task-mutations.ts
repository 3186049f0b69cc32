import type { CreateInput } from '../tasks/service/create-input.js'
import type { Task } from '../tasks/task.js'
import { builder } from './builder.js'
import { LipSyncPlaybackType, LipSyncResolveAction } from './enums.js'
import { LipSyncTask } from './task.js'
import { WAIT } from './task-queries.js'
import { LipSyncUserError, type Payload, payloadOf } from './user-error.js'

const task = 'The task; null when there are errors.'
const errors = 'Every mistake in the input; empty when the mutation was carried out.'
const taskId = 'The id of the task.'

/** The fields of a payload with a task. */
const taskPayload = (description: string) => ({
  description,
  outputFields: (t: PothosSchemaTypes.ObjectFieldBuilder<typeof builder.$inferSchemaTypes, Payload<Task>>) => ({
    task: t.field({ type: LipSyncTask, nullable: true, description: task, resolve: ({ value }) => value }),
    errors: t.expose('errors', { type: [LipSyncUserError], description: errors }),
  }),
})

builder.relayMutationField(
  'createLipSync',
  {
    description: 'The inputs of a lip sync.',
    inputFields: t =>
      ({
        videoUrl: t.field({
          type: 'URL',
          required: true,
          description: 'The talking-head video: a public, direct, long-lived link of at most 2,048 characters.',
        }),
        audioUrl: t.field({
          type: 'URL',
          required: true,
          description: 'The audio that the mouth will follow: a link like that of the video.',
        }),
        playbackType: t.field({
          type: LipSyncPlaybackType,
          required: true,
          defaultValue: 'normal',
          description: 'How a video that is shorter than the audio is extended.',
        }),
        reference: t.string({ description: "The caller's own name for the task, at most 200 characters." }),
        idempotencyKey: t.string({
          description:
            'Makes the call safe to repeat: with the same key and the same input it returns the same task. 1 to 128 printable characters.',
        }),
        expectedDurationSeconds: t.float({
          description: 'The expected length of the output, if known: its price is reserved from the budget.',
        }),
        waitSeconds: t.int({
          required: true,
          defaultValue: 0,
          description: `${WAIT} The task is stored in any case.`,
        }),
      }) satisfies Record<keyof CreateInput | 'waitSeconds', unknown>,
  },
  {
    nullable: true,
    description: 'Accepts a task. Once this returns, the task is stored and will be driven to its end.',
    resolve: (_, { input: { waitSeconds, ...input } }, { tasks, leaving }) =>
      payloadOf(() => tasks.create(input, waitSeconds === 0 ? {} : { waitSeconds, signal: leaving?.() })),
  },
  taskPayload('The result of `createLipSync`.'),
)

builder.relayMutationField(
  'cancelLipSync',
  {
    description: 'The task to cancel.',
    inputFields: t => ({ id: t.id({ required: true, description: taskId }) }),
  },
  {
    nullable: true,
    description: 'Cancels a task that is still queued, at no cost. One that was submitted cannot be canceled.',
    resolve: (_, { input: { id } }, { tasks }) => payloadOf(() => tasks.cancel(id)),
  },
  taskPayload('The result of `cancelLipSync`.'),
)

builder.relayMutationField(
  'retryLipSync',
  {
    description: 'The task to repeat.',
    inputFields: t => ({ id: t.id({ required: true, description: taskId }) }),
  },
  {
    nullable: true,
    description: 'Creates a new task with the inputs of a failed one. Repeated, it returns the same new task.',
    resolve: (_, { input: { id } }, { tasks }) => payloadOf(() => tasks.retry(id)),
  },
  taskPayload('The result of `retryLipSync`.'),
)

builder.relayMutationField(
  'resolveLipSync',
  {
    description: 'A decision about a task.',
    inputFields: t => ({
      id: t.id({ required: true, description: taskId }),
      action: t.field({ type: LipSyncResolveAction, required: true, description: 'The decision.' }),
    }),
  },
  {
    nullable: true,
    description:
      'Decides about a task that the gateway cannot finish by itself: one in `UNKNOWN`, or for `FAIL` also one that stalled or has a `problem`. Requires the scope `admin`.',
    resolve: (_, { input: { id, action } }, { tasks }) => payloadOf(() => tasks.resolve(id, action)),
  },
  taskPayload('The result of `resolveLipSync`.'),
)
