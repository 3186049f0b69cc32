import { GatewayError } from '../../errors.js'
import { acquireAll, type Slots } from '../../slots.js'
import type { Caller } from '../caller.js'
import type { ChangedTask } from '../change-notifier.js'
import { isFinal } from '../task.js'
import type { TaskLog, TaskReader } from '../task-store.js'
import { ALL, parseCursor } from './cursor.js'
import { type FollowParts, type FollowQuery, follow } from './follow.js'
import { ownTasks, quotaKeys, requireScope } from './permissions.js'
import { requireTask } from './task-access.js'
import { matchesConditions, withReference } from './task-conditions.js'
import type { TaskEvent, TaskService } from './task-service.js'

export interface TaskFollowingParts extends FollowParts<TaskEvent> {
  store: TaskReader & TaskLog
  /** The subscriptions of all callers. */
  subscriptions: Slots
}

export type TaskFollowing = Pick<TaskService, 'follow' | 'followAll'>

/** Follows tasks within the caller's limit of subscriptions. */
export function taskFollowing(parts: TaskFollowingParts, caller: Caller): TaskFollowing {
  const { store } = parts

  const counted = (prepare: () => Promise<Omit<FollowQuery, 'onEnd'>>) => countedFollower(parts, caller, prepare)

  return {
    async follow(id, { after } = {}) {
      requireScope(caller, 'read')
      return counted(async () => {
        const task = await requireTask(store, caller, id)
        const before = task.seq - 1
        const from = after === undefined ? before : parseCursor(after, store.epoch, await store.lastSeq(ALL))
        return { whose: { taskId: id }, after: isFinal(task) ? Math.min(from, before) : from }
      })
    },

    async followAll({ filter: conditions = {}, after } = {}) {
      requireScope(caller, 'read')
      return counted(async () => {
        const from =
          after === undefined
            ? await store.lastSeq({ filter: { caller: caller.id } })
            : parseCursor(after, store.epoch, await store.lastSeq(ALL))
        const visible = ownTasks(caller)
        const filter = withReference(visible, conditions)
        const matches = (task: ChangedTask) => filter !== null && matchesConditions(task, conditions)
        return { whose: { filter: { ...(filter ?? visible), caller: caller.id } }, matches, after: from }
      })
    },
  }
}

/** Holds a subscription of the caller until the follower ends. `prepare` may throw. */
export async function countedFollower(
  parts: TaskFollowingParts,
  caller: Caller,
  prepare: () => Promise<Omit<FollowQuery, 'onEnd'>>,
): Promise<AsyncIterableIterator<TaskEvent>> {
  const onEnd = acquireAll(parts.subscriptions, quotaKeys(caller, 'subscriptions'))
  if (!onEnd) throw tooManySubscriptions(caller)
  try {
    return follow(parts, { ...(await prepare()), onEnd })
  } catch (thrown) {
    onEnd()
    throw thrown
  }
}

export function tooManySubscriptions({ limits }: Caller): GatewayError {
  const message = `The limit of ${limits.subscriptions} concurrent subscriptions is reached.`
  return new GatewayError('LIMIT_EXCEEDED', message, { limit: 'subscriptions' })
}
