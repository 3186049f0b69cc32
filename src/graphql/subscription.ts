import { badInput } from '../errors.js'
import { builder } from './builder.js'
import { LipSyncTaskEvent } from './task-event.js'
import { conditionsOf, LipSyncTaskFilter } from './task-list.js'

const AFTER = 'The cursor of the last event already seen, or of a list of tasks.'

builder.subscriptionFields(t => ({
  taskUpdated: t.field({
    type: LipSyncTaskEvent,
    description: `Follows one task until it is final, or a batch until all of its tasks are.

Without \`after\`: its latest event, then each new one. With \`after\`: every event after that cursor, in order, none
missing, none twice. A cursor at or after the end of the task yields the final event once, then completes.

A batch has one cursor for all of its tasks. Without \`after\` its events begin with the first.

The latest event comes again, with the same cursor, when only live values of the task changed: its queue position, at
most every 5 s, or its progress, at most every second.`,
    args: {
      id: t.arg.id({ description: 'The id of the task. An unknown one is `NOT_FOUND`.' }),
      batch: t.arg.id({ description: 'The id of the batch, instead of that of a task.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe(_, { id, batch, after }, { tasks }) {
      const from = { after: after ?? undefined }
      if ((id == null) === (batch == null)) throw badInput('id', 'id or batch is required, but not both')
      return batch == null ? tasks.follow(id ?? '', from) : tasks.followBatch(batch, from)
    },
    resolve: event => event,
  }),
  tasksUpdated: t.field({
    type: LipSyncTaskEvent,
    description: `Follows all of the caller's tasks that match, without an end.

Without \`after\`: each new event. With \`after\`: every event after that cursor, in order, none missing, none twice. The
conditions apply to the task as it was at the event: \`status: [SUCCESS, FAILED]\` yields final events only.`,
    args: {
      filter: t.arg({ type: LipSyncTaskFilter, description: 'Selects events; all when left out.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_, { filter, after }, { tasks }) =>
      tasks.followAll({ filter: conditionsOf(filter), after: after ?? undefined }),
    resolve: event => event,
  }),
}))
