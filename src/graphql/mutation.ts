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
