import DataLoader from 'dataloader'
import type { Caller, TaskRestriction } from '../tasks/caller.js'
import type { GatewayStatus } from '../tasks/driver/gateway-status.js'
import type { LiveState } from '../tasks/driver/live-state.js'
import type { TaskService } from '../tasks/service/task-service.js'
import type { Task } from '../tasks/task.js'

/** What an operation works with. */
export interface GraphQLContextParts {
  readonly caller: Caller
  /** The tasks that the caller may see. */
  readonly tasks: TaskService
  readonly status: () => Promise<GatewayStatus>
  /** Returns a signal that aborts when the client leaves; absent where that cannot be known. */
  readonly leaving?: (() => AbortSignal) | undefined
  readonly mintWatchToken: (
    restriction: TaskRestriction,
    ttlSeconds: number,
  ) => Promise<{ token: string; expiresAt: number }>
}

export interface GraphQLContext extends GraphQLContextParts {
  /** Returns the task as it is now; null when the caller sees none with this id. Loads in batches. */
  loadTask(id: string): Promise<Task | null>
  /** Returns the live state of a task: once for each task object, in batches. Null without one. */
  loadLiveState(task: Task): Promise<LiveState | null>
}

/** The largest batch that the task service takes. */
const BATCH = 100

/** Creates the context of one operation. */
export function createGraphQLContext(parts: GraphQLContextParts): GraphQLContext {
  const { tasks } = parts
  let loaders: Loaders | null = null
  // Made when they are needed: most subscriptions share what another one executed.
  const made = () => {
    loaders ??= createLoaders(tasks)
    return loaders
  }
  return {
    ...parts,
    loadTask: id => made().loadTask(id),
    loadLiveState: task => made().loadLiveState(task),
  }
}

type Loaders = Pick<GraphQLContext, 'loadTask' | 'loadLiveState'>

function createLoaders(tasks: TaskService): Loaders {
  // Nothing is cached, because the context of a subscription lives long: each event has to see tasks as they are then.
  const options = { cache: false, maxBatchSize: BATCH }
  const tasksById = new DataLoader<string, Task | null>(async ids => {
    const [only] = ids
    if (ids.length === 1 && only !== undefined) return [await tasks.get(only)]
    const found = await tasks.getMany([...new Set(ids)])
    return ids.map(id => found.get(id) ?? null)
  }, options)
  const liveStatesByTask = new DataLoader<Task, LiveState | null>(async batch => {
    const found = await tasks.liveStates([...new Map(batch.map(task => [task.id, task])).values()])
    return batch.map(task => found.get(task.id) ?? null)
  }, options)
  const liveStates = new WeakMap<Task, Promise<LiveState | null>>()

  return {
    loadTask: id => tasksById.load(id),
    loadLiveState(task) {
      const state = liveStates.get(task) ?? liveStatesByTask.load(task)
      liveStates.set(task, state)
      return state
    },
  }
}
