import { and, asc, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { NEXT, STATUS_OF, type Stage, type Task } from '../tasks/task.js'
import type { PageQuery, TaskReader } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import { taskOf } from './row.js'
import type { Work } from './statement.js'

/** Pages of tasks. Each is a walk along one index that stops at the limit. */
export function createPages(
  { db, tables, prepare, read, readSnapshot }: Connection,
  readMany: ReadMany,
): TaskReader['page'] {
  const { tasks } = tables
  const { placeholder } = sql
  const statements = new Map<string, ReturnType<typeof build>>()

  /** The same conditions have the same statement, whatever their values. */
  function build(given: ReadonlySet<string>, oldestFirst: boolean) {
    const when = (name: keyof PageQuery | 'stage', condition: SQL) => (given.has(name) ? condition : undefined)
    const boundBy = (id: string) =>
      sql`((SELECT ${tasks.createdAt} FROM ${tasks} WHERE ${tasks.id} = ${placeholder(id)}), ${placeholder(id)})`
    const position = sql`(${tasks.createdAt}, ${tasks.id})`
    const query = db
      .select()
      .from(tasks)
      .where(
        and(
          when('caller', eq(tasks.caller, placeholder('caller'))),
          when('reference', eq(tasks.reference, placeholder('reference'))),
          when('batchId', eq(tasks.batchId, placeholder('batchId'))),
          when('stage', eq(tasks.stage, placeholder('stage'))),
          when('retryOf', eq(tasks.retryOf, placeholder('retryOf'))),
          when('createdAfter', gte(tasks.createdAt, placeholder('createdAfter'))),
          when('createdBefore', lt(tasks.createdAt, placeholder('createdBefore'))),
          when('newerThan', sql`${position} > ${boundBy('newerThan')}`),
          when('olderThan', sql`${position} < ${boundBy('olderThan')}`),
        ),
      )
      .orderBy(...[tasks.createdAt, tasks.id].map(column => (oldestFirst ? asc(column) : desc(column))))
      .limit(placeholder('limit'))
    return prepare(query)
  }

  function* walk(query: PageQuery, stage?: Stage): Work<Task[]> {
    const { ids, stages, statuses, oldestFirst = false, ...plain } = query
    const values = Object.fromEntries(Object.entries({ ...plain, stage }).filter(([, value]) => value !== undefined))
    const shape = `${Object.keys(values).sort()} ${oldestFirst}`
    const statement = statements.get(shape) ?? build(new Set(Object.keys(values)), oldestFirst)
    statements.set(shape, statement)
    return (yield* statement.all(values)).map(taskOf)
  }

  function* page(query: PageQuery): Work<Task[]> {
    const stages = stagesOf(query)
    if (query.ids) return pageOf(yield* among(query, query.ids, readMany), query)
    if (stages.length === ALL_STAGES.length) return yield* walk(query)
    // One walk for each stage: the database would sort the rows of several stages.
    const found: Task[] = []
    for (const stage of stages) found.push(...(yield* walk(query, stage)))
    return pageOf(found, query)
  }

  return query => {
    const isOneWalk = !query.ids && stagesOf(query).length === ALL_STAGES.length
    return (isOneWalk ? read : readSnapshot)(() => page(query))
  }
}

type ReadMany = (ids: readonly string[]) => Work<Task[]>

const ALL_STAGES = Object.keys(NEXT) as Stage[]

function stagesOf({ stages, statuses }: PageQuery): Stage[] {
  return ALL_STAGES.filter(
    stage => (!stages?.length || stages.includes(stage)) && (!statuses?.length || statuses.includes(STATUS_OF[stage])),
  )
}

/** Those of a few tasks, given by their ids, that the rest of the query lets through. */
function* among(query: PageQuery, ids: readonly string[], readMany: ReadMany): Work<Task[]> {
  const { caller, reference, batchId, retryOf, createdAfter, createdBefore, newerThan, olderThan } = query
  const stages = new Set(stagesOf(query))
  const found = yield* readMany(ids)
  const bounds = yield* readMany([newerThan, olderThan].filter(id => id !== undefined))
  const boundOf = (id: string) => bounds.find(bound => bound.id === id)
  return found.filter(task => {
    const [newer, older] = [newerThan, olderThan].map(id => (id === undefined ? null : (boundOf(id) ?? 'missing')))
    if (newer === 'missing' || older === 'missing') return false
    return (
      stages.has(task.stage) &&
      (caller === undefined || task.caller === caller) &&
      (reference === undefined || task.reference === reference) &&
      (batchId === undefined || task.batchId === batchId) &&
      (retryOf === undefined || task.retryOf === retryOf) &&
      (createdAfter === undefined || task.createdAt >= createdAfter) &&
      (createdBefore === undefined || task.createdAt < createdBefore) &&
      (!newer || byAge(task, newer) > 0) &&
      (!older || byAge(task, older) < 0)
    )
  })
}

function pageOf(found: Task[], { oldestFirst, limit }: PageQuery): Task[] {
  return found.sort((a, b) => (oldestFirst ? byAge(a, b) : byAge(b, a))).slice(0, limit)
}

function byAge(a: Task, b: Task): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
