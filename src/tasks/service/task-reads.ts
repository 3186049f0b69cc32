import { badInput, GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { LiveState } from '../driver/live-state.js'
import type { Task } from '../task.js'
import type { TaskFilter, TaskLog, TaskReader } from '../task-store.js'
import { ALL, parseCursor, toCursor } from './cursor.js'
import { checkRange } from './invalid-input.js'
import { canSee, ownTasks, requireScope } from './permissions.js'
import { findTask, requireTask } from './task-access.js'
import { withReference } from './task-conditions.js'
import type { TaskCreator } from './task-creator.js'
import type { TaskPresenter } from './task-presenter.js'
import type { ListQuery, TaskService } from './task-service.js'
import type { UploadedInputs } from './uploaded-inputs.js'

export interface TaskReadsParts {
  store: TaskReader & TaskLog
  presenter: TaskPresenter
  creator: Pick<TaskCreator, 'settled'>
  uploadedInputs: Pick<UploadedInputs, 'hashed'>
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
}

export type TaskReads = Pick<
  TaskService,
  'get' | 'getMany' | 'findByInputs' | 'list' | 'listAll' | 'cursor' | 'cursorOf' | 'liveStates' | 'history'
>

const DEFAULT_PAGE = 20
const DEFAULT_HISTORY = 100
const LARGEST_PAGE = 1_000
const MOST_IDS = 100

/** Reads tasks, their live values and their transitions, as far as the caller may see them. */
export function taskReads(
  { store, presenter, creator, uploadedInputs, liveStates }: TaskReadsParts,
  caller: Caller,
): TaskReads {
  async function page(visible: TaskFilter, { limit = DEFAULT_PAGE, ...query }: ListQuery): Promise<Task[]> {
    const filter = withReference(visible, query)
    if (!filter) return []
    const tasks = await store.page({ ...query, ...filter, limit: checkRange('limit', limit, 1, LARGEST_PAGE) })
    return tasks.map(presenter.show)
  }

  return {
    async get(id) {
      requireScope(caller, 'read')
      const task = await findTask(store, caller, id)
      return task && presenter.show(task)
    },

    async findByInputs(inputs) {
      requireScope(caller, 'read')
      // The latest task of the caller says nothing about those that a watch token shows.
      if (caller.restriction) throw new GatewayError('FORBIDDEN', 'A watch token cannot find tasks by their inputs.')
      await creator.settled(caller.id, inputs)
      const task = await store.latestByInputs(caller.id, await uploadedInputs.hashed(inputs))
      return task && presenter.show(task)
    },

    async getMany(ids) {
      requireScope(caller, 'read')
      if (ids.length > MOST_IDS) throw badInput('ids', `ids has more than ${MOST_IDS} ids.`)
      const tasks = [...(await store.getMany(ids)).values()].filter(task => canSee(caller, task))
      return new Map(tasks.map(task => [task.id, presenter.show(task)]))
    },

    async list(query = {}) {
      requireScope(caller, 'read')
      return page(ownTasks(caller), query)
    },

    async listAll({ caller: only, ...query } = {}) {
      requireScope(caller, 'admin')
      return page({ caller: only }, query)
    },

    async cursor() {
      requireScope(caller, 'read')
      return toCursor(store.epoch, await store.lastSeq({ filter: { caller: caller.id } }))
    },

    cursorOf: task => toCursor(store.epoch, task.seq),

    liveStates,

    async history(id, { after, limit = DEFAULT_HISTORY } = {}) {
      requireScope(caller, 'read')
      await requireTask(store, caller, id)
      const from = after === undefined ? 0 : parseCursor(after, store.epoch, await store.lastSeq(ALL))
      const query = { taskId: id, limit: checkRange('limit', limit, 1, LARGEST_PAGE) }
      return (await store.transitionsAfter(from, query)).map(presenter.toEvent)
    },
  }
}
