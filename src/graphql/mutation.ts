import { RESOLVE_ACTIONS } from '../tasks/service/task-service.js'
import { builder } from './builder.js'
import { LipSyncTask, PlaybackType } from './task.js'

const CreateLipSyncInput = builder.inputType('CreateLipSyncInput', {
  description: 'What a lip sync is made from.',
  fields: t => ({
    videoUrl: t.field({
      type: 'URL',
      required: true,
      description: 'The talking-head video: a public, direct, long-lived link of at most 2,048 characters.',
    }),
    audioUrl: t.field({
      type: 'URL',
      required: true,
      description: 'The audio that the mouth shall follow: a link like that of the video.',
    }),
    playbackType: t.field({
      type: PlaybackType,
      required: true,
      defaultValue: 'normal',
      description: 'How a video that is shorter than the audio is extended.',
    }),
    reference: t.string({ description: "The caller's own name for the task, at most 200 characters." }),
    idempotencyKey: t.string({
      description:
        'Makes a repeated call safe: with the same key and the same input it answers the same task. 1 to 128 printable characters.',
    }),
    expectedDurationSeconds: t.float({
      description: "The output's length as far as the caller knows it: what its price sets aside of the budget.",
    }),
  }),
})

builder.mutationType({ description: 'What can be asked for.' })

builder.mutationField('createLipSync', t =>
  t.field({
    type: LipSyncTask,
    description: 'Accepts a task. Once this is answered the task is on the disk and will be driven to its end.',
    args: { input: t.arg({ type: CreateLipSyncInput, required: true, description: 'What it is made from.' }) },
    resolve: (_, { input }, { tasks }) => tasks.create(input),
  }),
)

const ResolveAction = builder.enumType('ResolveAction', {
  description: 'What shall become of a task whose submit got no answer.',
  values: {
    RESUBMIT: { value: RESOLVE_ACTIONS[0], description: 'Send it again. If the upstream took it, it is paid twice.' },
    FAIL: { value: RESOLVE_ACTIONS[1], description: 'Give it up. If the upstream took it, it was paid for nothing.' },
  },
})

const taskId = 'The id that `createLipSync` answered.'

builder.mutationField('cancelLipSync', t =>
  t.field({
    type: LipSyncTask,
    description: 'Takes back a task that is still queued, at no cost. One that was sent can not be: `INVALID_STATE`.',
    args: { id: t.arg.id({ required: true, description: taskId }) },
    resolve: (_, { id }, { tasks }) => tasks.cancel(id),
  }),
)

builder.mutationField('retryLipSync', t =>
  t.field({
    type: LipSyncTask,
    description: 'A new task like one that failed, linked to it. Asked for again, it answers the same new task.',
    args: { id: t.arg.id({ required: true, description: taskId }) },
    resolve: (_, { id }, { tasks }) => tasks.retry(id),
  }),
)

builder.mutationField('resolveLipSync', t =>
  t.field({
    type: LipSyncTask,
    description: "A person's word on a task that is `UNKNOWN`, where no look-up can settle it.",
    args: {
      id: t.arg.id({ required: true, description: taskId }),
      action: t.arg({ type: ResolveAction, required: true, description: 'What to do.' }),
    },
    resolve: (_, { id, action }, { tasks }) => tasks.resolve(id, action),
  }),
)
