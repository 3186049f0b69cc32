import type { InputRef } from '@pothos/core'
import { resolveCursorConnection } from '@pothos/plugin-relay'
import { badInput } from '../errors.js'
import type { ListQuery, TaskConditions } from '../tasks/service/task-service.js'
import type { Stage, Status, Task } from '../tasks/task.js'
import { builder } from './builder.js'
import type { GraphQLContext } from './context.js'
import { LipSyncStage, LipSyncStatus } from './enums.js'
import { LipSyncTask } from './task.js'

interface FilterInput {
  status?: Status[] | null
  stage?: Stage[] | null
  reference?: string | null
  batchId?: string | null
  retryOf?: string | null
  createdAfter?: Date | null
  createdBefore?: Date | null
}

const FilterRef = builder.inputRef<FilterInput>('LipSyncTaskFilter')
const GatewayFilterRef = builder.inputRef<FilterInput & { caller?: string | null }>('LipSyncGatewayTaskFilter')

const status = 'Only tasks in one of these states; all when empty.'
const stage = 'Only tasks in one of these stages; all when empty.'
const reference = 'Only tasks with exactly this reference.'
const batchId = 'Only tasks of the batch with this id.'
const retryOf = 'Only retries of the task with this id.'
const createdAfter = 'Only tasks created at this time or later.'
const createdBefore = 'Only tasks created before this time.'

/** The conditions of a list or subscription. */
export const LipSyncTaskFilter: InputRef<FilterInput> = FilterRef.implement({
  description: 'Selects the tasks that match every given condition.',
  fields: t => ({
    status: t.field({ type: [LipSyncStatus], description: status }),
    stage: t.field({ type: [LipSyncStage], description: stage }),
    reference: t.string({ description: reference }),
    batchId: t.id({ description: batchId }),
    retryOf: t.id({ description: retryOf }),
    createdAfter: t.field({ type: 'DateTime', description: createdAfter }),
    createdBefore: t.field({ type: 'DateTime', description: createdBefore }),
  }),
})

export const LipSyncGatewayTaskFilter: InputRef<FilterInput & { caller?: string | null }> = GatewayFilterRef.implement({
  description: 'Selects the tasks of all callers that match every given condition.',
  fields: t => ({
    caller: t.string({ description: 'Only tasks of this caller.' }),
    status: t.field({ type: [LipSyncStatus], description: status }),
    stage: t.field({ type: [LipSyncStage], description: stage }),
    reference: t.string({ description: reference }),
    batchId: t.id({ description: batchId }),
    retryOf: t.id({ description: retryOf }),
    createdAfter: t.field({ type: 'DateTime', description: createdAfter }),
    createdBefore: t.field({ type: 'DateTime', description: createdBefore }),
  }),
})

export function conditionsOf(filter: FilterInput | null | undefined): TaskConditions {
  return {
    statuses: filter?.status ?? undefined,
    stages: filter?.stage ?? undefined,
    reference: filter?.reference ?? undefined,
    batchId: filter?.batchId ?? undefined,
    retryOf: filter?.retryOf ?? undefined,
    createdAfter: filter?.createdAfter?.getTime(),
    createdBefore: filter?.createdBefore?.getTime(),
  }
}

const LARGEST_PAGE = 100

export const LipSyncTaskConnection = builder.connectionObject(
  {
    type: LipSyncTask,
    name: 'LipSyncTaskConnection',
    description: 'A page of tasks.',
    fields: t => ({
      cursor: t.string({
        description:
          'The end of the log when the page was read. Follow from here with `after`, and no change of these tasks is missed.',
        resolve: page => logCursors.get(page) ?? '',
      }),
    }),
  },
  { name: 'LipSyncTaskEdge', description: 'A task in a page.' },
)

/** The end of the log at which each page was read. */
const logCursors = new WeakMap<object, string>()

export interface PageArgs {
  first?: number | null | undefined
  last?: number | null | undefined
  after?: string | null | undefined
  before?: string | null | undefined
}

/** What a page costs: as many times its fields as it may have tasks. */
export function pageComplexity({ first, last }: PageArgs) {
  return { multiplier: Math.min(Math.max(first ?? last ?? 20, 1), LARGEST_PAGE) }
}

/** Reads a page of a list that `list` serves, newest first. */
export async function readPage(
  args: PageArgs,
  { tasks }: GraphQLContext,
  list: (range: Pick<ListQuery, 'olderThan' | 'newerThan' | 'limit' | 'oldestFirst'>) => Promise<Task[]>,
) {
  checkPage(args)
  // Read first, so that nothing happens unseen between the page and a subscription that follows from here.
  const cursor = await tasks.cursor()
  const { edges, pageInfo } = await resolveCursorConnection<Promise<Task[]>>(
    { args, maxSize: LARGEST_PAGE, toCursor: task => task.id },
    ({ after, before, limit, inverted }) => list({ olderThan: after, newerThan: before, limit, oldestFirst: inverted }),
  )
  // An empty page would otherwise have an empty text for a cursor.
  const [startCursor, endCursor] = [pageInfo.startCursor || null, pageInfo.endCursor || null]
  const page = { edges, pageInfo: { ...pageInfo, startCursor, endCursor } }
  logCursors.set(page, cursor)
  return page
}

function checkPage({ first, last, after, before }: PageArgs): void {
  if (first != null && last != null) throw badInput('last', 'first and last exclude each other')
  for (const [field, size] of Object.entries({ first, last }))
    if (size != null && !(size >= 0 && size <= LARGEST_PAGE))
      throw badInput(field, `${field} must be from 0 to ${LARGEST_PAGE}`)
  for (const [field, cursor] of Object.entries({ after, before }))
    if (cursor != null && !UUID.test(cursor)) throw badInput(field, `${field} is not a page cursor of this list`)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
