import { resolveCursorConnection } from '@pothos/plugin-relay'
import { badInput } from '../errors.js'
import { creditsFor } from '../tasks/pricing.js'
import { LONGEST_SECONDS } from '../tasks/service/create-input.js'
import type { Task } from '../tasks/task.js'
import { builder } from './builder.js'
import { LipSyncStatus, LipSyncTask } from './task.js'

const LARGEST_PAGE = 100

const LipSyncEstimate = builder.objectRef<{ durationMs: number }>('LipSyncEstimate').implement({
  description: 'What an output of some length would cost.',
  fields: t => ({
    durationSeconds: t.float({ description: 'How long it plays.', resolve: ({ durationMs }) => durationMs / 1_000 }),
    credits: t.float({
      description: "JoggAI's credits: 0.008 per second, rounded up to 2 decimals.",
      resolve: ({ durationMs }) => creditsFor(durationMs),
    }),
  }),
})

builder.queryType({ description: 'What can be read.' })

builder.queryField('lipSyncTask', t =>
  t.field({
    type: LipSyncTask,
    nullable: true,
    description: 'One task as it is now; null when there is none with this id.',
    args: { id: t.arg.id({ required: true, description: 'The id that `createLipSync` answered.' }) },
    resolve: (_, { id }, { tasks }) => tasks.get(id),
  }),
)

builder.queryField('lipSyncTasks', t =>
  t.connection(
    {
      type: LipSyncTask,
      description: 'The tasks, newest first, a page at a time.',
      complexity: ({ first, last }) => ({ multiplier: Math.min(Math.max(first ?? last ?? 20, 1), LARGEST_PAGE) }),
      args: {
        status: t.arg({ type: [LipSyncStatus], description: 'Only tasks that stand like this.' }),
        reference: t.arg.string({ description: 'Only tasks with exactly this reference.' }),
      },
      resolve: async (_, args, { tasks }) => {
        checkPage(args)
        const { status, reference } = args
        const page = await resolveCursorConnection<Promise<Task[]>>(
          { args, maxSize: LARGEST_PAGE, toCursor: task => task.id },
          ({ after, before, limit, inverted }) =>
            tasks.list({
              status: status ?? undefined,
              reference: reference ?? undefined,
              olderThan: after,
              newerThan: before,
              limit,
              oldestFirst: inverted,
            }),
        )
        const { startCursor, endCursor } = page.pageInfo
        // An empty page has the cursor that it was asked for with; asked for without, it has none.
        return {
          ...page,
          pageInfo: { ...page.pageInfo, startCursor: startCursor || null, endCursor: endCursor || null },
        }
      },
    },
    { name: 'LipSyncTaskConnection', description: 'A page of tasks.' },
    { name: 'LipSyncTaskEdge', description: 'A task in a page.' },
  ),
)

builder.queryField('lipSyncEstimate', t =>
  t.field({
    type: LipSyncEstimate,
    description: 'What a lip sync would cost.',
    args: {
      durationSeconds: t.arg.float({ required: true, description: "The output's length, which is the audio's." }),
    },
    resolve: (_, { durationSeconds }) => {
      if (!(durationSeconds >= 0 && durationSeconds <= LONGEST_SECONDS))
        throw badInput('durationSeconds', `durationSeconds must be from 0 to ${LONGEST_SECONDS}`)
      return { durationMs: Math.round(durationSeconds * 1_000) }
    },
  }),
)

interface PageArgs {
  first?: number | null | undefined
  last?: number | null | undefined
  after?: string | null | undefined
  before?: string | null | undefined
}

const checkPage = ({ first, last, after, before }: PageArgs) => {
  if (first != null && last != null) throw badInput('last', 'first and last exclude each other')
  for (const [field, size] of Object.entries({ first, last }))
    if (size != null && !(size >= 0 && size <= LARGEST_PAGE))
      throw badInput(field, `${field} must be from 0 to ${LARGEST_PAGE}`)
  for (const [field, cursor] of Object.entries({ after, before }))
    if (cursor != null && !UUID.test(cursor)) throw badInput(field, `${field} is not a cursor of this list`)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
