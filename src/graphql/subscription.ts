import type { Task } from '../tasks/task.js'
import { builder } from './builder.js'
import { LipSyncTask } from './task.js'

builder.subscriptionType({ description: 'What can be followed.' })

builder.subscriptionField('taskUpdated', t =>
  t.field({
    type: LipSyncTask,
    description: `One task until it is final or, without id, all tasks.

Without \`after\`: the task as it is now (all tasks: nothing at first), then each transition. With \`after\`: every
transition after that cursor, in order, none missing, none twice, each with the task as it was then.

One task comes again, with the same \`cursor\`, when only its place in the queue or its progress has changed.`,
    args: {
      id: t.arg.id({ description: 'The task; an unknown one is `NOT_FOUND`. All tasks when left out.' }),
      after: t.arg.string({ description: 'The `cursor` of the last state that need not be told again.' }),
    },
    subscribe: (_, { id, after }, { tasks }) => tasks.follow({ id: id ?? undefined, after: after ?? undefined }),
    resolve: (task: Task) => task,
  }),
)
