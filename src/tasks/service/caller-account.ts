import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Quota, Slots } from '../../slots.js'
import type { Caller } from '../caller.js'
import { monthOf } from '../month.js'
import type { BatchReader, SubmitQueue, TaskReader, UsageStore } from '../task-store.js'
import type { UploadStore } from '../upload-store.js'
import type { CreateRate } from './create-rate.js'
import { checkRange } from './invalid-input.js'
import { quotaKeys, requireScope } from './permissions.js'
import { notFound } from './task-access.js'
import type { TaskService } from './task-service.js'
import { toCredits } from './task-view.js'
import { parseWatchRequest } from './watch-request.js'

export interface CallerAccountParts {
  store: Pick<TaskReader, 'getMany'> &
    Pick<SubmitQueue, 'callerQueues'> &
    UsageStore &
    Pick<UploadStore, 'keptUploads'> &
    Pick<BatchReader, 'batch'>
  clock: Pick<Clock, 'now'>
  rate: Pick<CreateRate, 'left'>
  /** The subscriptions of all callers. */
  subscriptions: Pick<Slots, 'held'>
  /** The WebSockets of all callers. */
  sockets: Pick<Slots, 'held'>
}

export type CallerAccount = Pick<TaskService, 'usage' | 'usageOfAll' | 'remaining' | 'watchRestriction'>

const MOST_MONTHS = 24

/** What a caller used, what is left of its limits, and what its watch tokens may show. */
export function callerAccount(parts: CallerAccountParts, caller: Caller): CallerAccount {
  const { store, clock, rate, subscriptions, sockets } = parts
  const { id, limits } = caller

  async function waitingTasks(): Promise<number> {
    return (await store.callerQueues()).find(queue => queue.caller === id)?.waiting ?? 0
  }

  async function usedCents(): Promise<number> {
    const [latest] = await store.usage({ caller: id, months: 1 })
    return latest?.month === monthOf(clock.now()) ? latest.spentCents + latest.reservedCents : 0
  }

  async function creditsLeft(monthlyCredits: number): Promise<number> {
    return Math.max(0, toCredits(Math.round(monthlyCredits * 100) - (await usedCents())))
  }

  return {
    async usage(months) {
      requireScope(caller, 'read')
      if (caller.restriction) throw forbiddenToWatchers()
      return store.usage({ caller: id, months: checkRange('months', months, 1, MOST_MONTHS) })
    },

    async usageOfAll(months) {
      requireScope(caller, 'admin')
      return store.usage({ months: checkRange('months', months, 1, MOST_MONTHS) })
    },

    async remaining() {
      return {
        createsPerMinute: rate.left(caller),
        waitingTasks: limits.waitingTasks === null ? null : Math.max(0, limits.waitingTasks - (await waitingTasks())),
        sockets: slotsLeft(sockets, quotaKeys(caller, 'sockets')),
        subscriptions: slotsLeft(subscriptions, quotaKeys(caller, 'subscriptions')),
        monthlyCredits: limits.monthlyCredits === null ? null : await creditsLeft(limits.monthlyCredits),
        uploadBytes:
          limits.uploadBytes === null ? null : Math.max(0, limits.uploadBytes - (await store.keptUploads(id)).bytes),
      }
    },

    async watchRestriction(request) {
      requireScope(caller, 'read')
      if (caller.restriction) throw forbiddenToWatchers()
      const restriction = parseWatchRequest(request)
      if ('reference' in restriction) return restriction
      if ('batchId' in restriction) {
        if ((await store.batch(restriction.batchId))?.caller === id) return restriction
        throw notFound({ id: restriction.batchId, field: 'batchId' })
      }
      const tasks = await store.getMany(restriction.taskIds)
      const unknown = restriction.taskIds.find(taskId => tasks.get(taskId)?.caller !== id)
      if (unknown !== undefined) throw notFound({ id: unknown, field: 'taskIds' })
      return restriction
    },
  }
}

/** How many slots all of these counters still have; null: no limit. */
function slotsLeft(slots: Pick<Slots, 'held'>, quotas: readonly Quota[]): number | null {
  const left = quotas.flatMap(({ key, limit }) => (limit === null ? [] : [Math.max(0, limit - slots.held(key))]))
  return left.length === 0 ? null : Math.min(...left)
}

function forbiddenToWatchers(): GatewayError {
  return new GatewayError('FORBIDDEN', 'A watch token shows tasks only.')
}
