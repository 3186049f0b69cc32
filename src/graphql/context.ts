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
  // Nothing is cached, because the context of a subscription lives long: each event has to see tasks as they are then.
  const options = { cache: false, maxBatchSize: BATCH }
  let loader: DataLoader<string, Task | null> | null = null
  let liveLoader: DataLoader<Task, LiveState | null> | null = null
  const liveStates = new WeakMap<Task, Promise<LiveState | null>>()

  // Made when it is needed: most subscriptions share what another one executed.
  function tasksById(): DataLoader<string, Task | null> {
    loader ??= new DataLoader(async ids => {
      const found = await tasks.getMany([...new Set(ids)])
      return ids.map(id => found.get(id) ?? null)
    }, options)
    return loader
  }

  function liveStatesByTask(): DataLoader<Task, LiveState | null> {
    liveLoader ??= new DataLoader(async batch => {
      const found = await tasks.liveStates([...new Map(batch.map(task => [task.id, task])).values()])
      return batch.map(task => found.get(task.id) ?? null)
    }, options)
    return liveLoader
  }

  return {
    ...parts,
    loadTask: id => tasksById().load(id),
    loadLiveState(task) {
      const state = liveStates.get(task) ?? liveStatesByTask().load(task)
      liveStates.set(task, state)
      return state
    },
  }
}
