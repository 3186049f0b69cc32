import { builder } from './builder.js'
import { Node } from './node.js'
import { LipSyncTask } from './task.js'
import { conditionsOf, LipSyncTaskConnection, LipSyncTaskFilter, pageComplexity, readPage } from './task-list.js'

/** The description of `waitSeconds`. */
export const WAIT =
  'Returns once the task is final, or as it is after this many seconds: 0 to 60. Counts as a subscription meanwhile.'

const LipSyncEstimate = builder
  .objectRef<{ readonly durationMs: number; readonly credits: number }>('LipSyncEstimate')
  .implement({
    description: 'The price of a lip sync.',
    fields: t => ({
      durationSeconds: t.float({ description: 'The length of the output.', resolve: it => it.durationMs / 1_000 }),
      credits: t.exposeFloat('credits', {
        description: 'What it costs: with JoggAI 0.008 credits per second, rounded up to 2 decimals.',
      }),
    }),
  })

builder.queryFields(t => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: 'Returns the object, or null when no object has this id.',
    args: { id: t.arg.id({ required: true, description: 'The id.' }) },
    resolve: async (_, { id }, { loadTask, tasks }) => (await loadTask(id)) ?? (await tasks.batch(id)),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: true, items: true },
    complexity: ({ ids }) => ({ multiplier: Math.max(1, ids.length) }),
    description: 'The objects with these ids, in this order; null for each unknown id.',
    args: { ids: t.arg.idList({ required: true, description: 'The ids, at most 100.' }) },
    async resolve(_, { ids }, { tasks }) {
      const found = await tasks.getMany(ids)
      return Promise.all(ids.map(async id => found.get(id) ?? (await tasks.batch(id))))
    },
  }),
  lipSyncTask: t.field({
    type: LipSyncTask,
    nullable: true,
    description: 'Returns the task, or null when no task has this id.',
    args: {
      id: t.arg.id({ required: true, description: 'The id of the task.' }),
      waitSeconds: t.arg.int({ required: true, defaultValue: 0, description: WAIT }),
    },
    resolve: (_, { id, waitSeconds: seconds }, { tasks, loadTask, leaving }) =>
      seconds === 0 ? loadTask(id) : tasks.wait(id, { seconds, signal: leaving?.() }),
  }),
  lipSyncTasks: t.connection(
    {
      type: LipSyncTask,
      nullable: true,
      description: "The caller's tasks, newest first, a page at a time.",
      complexity: pageComplexity,
      args: { filter: t.arg({ type: LipSyncTaskFilter, description: 'Selects tasks; all when left out.' }) },
      resolve: (_, { filter, ...args }, context) =>
        readPage(args, context, range => context.tasks.list({ ...conditionsOf(filter), ...range })),
    },
    LipSyncTaskConnection,
  ),
  lipSyncEstimate: t.field({
    type: LipSyncEstimate,
    nullable: true,
    description: 'The price of a lip sync of some length.',
    args: {
      durationSeconds: t.arg.float({ required: true, description: "The length of the output, which is the audio's." }),
    },
    resolve: (_, { durationSeconds }, { tasks }) => tasks.estimate(durationSeconds),
  }),
}))
