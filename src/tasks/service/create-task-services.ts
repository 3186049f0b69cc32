import type { Clock } from '../../clock.js'
import { createSlots, type Slots } from '../../slots.js'
import type { Caller } from '../caller.js'
import type { ChangeNotifier } from '../change-notifier.js'
import type { LiveState } from '../driver/live-state.js'
import type { Task } from '../task.js'
import type { TaskStore } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { callerAccount } from './caller-account.js'
import { callerBatches } from './caller-batches.js'
import { callerUploads, type UploadLinks } from './caller-uploads.js'
import { coalesceReads } from './coalesced-reads.js'
import { createRateLimit } from './create-rate.js'
import { shareEvents } from './shared-events.js'
import { taskActions } from './task-actions.js'
import { taskCreation } from './task-creation.js'
import { createTaskCreator } from './task-creator.js'
import { taskFollowing } from './task-following.js'
import { createTaskPresenter } from './task-presenter.js'
import { taskReads } from './task-reads.js'
import type { TaskService } from './task-service.js'
import { taskWaiting } from './task-waiting.js'
import type { UploadLimits } from './upload-request.js'
import { createUploadedInputs, type UploadedInputsParts } from './uploaded-inputs.js'

export interface ServiceParts {
  store: TaskStore
  transitions: Transitions
  notifier: ChangeNotifier
  clock: Clock
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
  /** The price of an output, in hundredths of a credit. */
  priceOf(durationMs: number): number
  /** The length of an output for which the caller gave no expectation, in milliseconds. */
  estimateMs: number
  /** Returns the public form of a link: absolute, for files that the gateway itself serves. */
  publicLink(url: string): string
  /** The WebSockets of all callers. */
  sockets: Pick<Slots, 'held'>
  uploadLinks: UploadLinks
  uploadLimits: UploadLimits
  /** How long an upload is kept after it was last needed. */
  uploadTtlMs: number
  assetOf: UploadedInputsParts['assetOf']
  /** Ends all waits, before the followers. */
  draining: AbortSignal
  /** Ends all followers. */
  stopping: AbortSignal
}

/** Returns the task service of a caller: the same one for the same object. */
export function createTaskServices(parts: ServiceParts): (caller: Caller) => TaskService {
  const { store, notifier, clock, publicLink, stopping } = parts
  const rate = createRateLimit(clock)
  const presenter = createTaskPresenter(store, publicLink)
  const stops = new Set<() => void>()
  stopping.addEventListener('abort', () => {
    for (const stop of stops) stop()
  })
  const shared = {
    ...parts,
    rate,
    presenter,
    uploadedInputs: createUploadedInputs(parts),
    creator: createTaskCreator({ ...parts, rate }),
    subscriptions: createSlots(),
    toEvent: shareEvents(presenter.toEvent, notifier),
    onStop(stop: () => void) {
      stops.add(stop)
      return () => void stops.delete(stop)
    },
    transitionsAfter: coalesceReads(store, notifier),
  }
  const services = new WeakMap<Caller, TaskService>()
  return caller => {
    const actions = taskActions(shared, caller)
    const service = services.get(caller) ?? {
      ...taskReads(shared, caller),
      ...taskCreation(shared, caller),
      ...actions,
      ...taskFollowing(shared, caller),
      ...taskWaiting(shared, caller),
      ...callerAccount(shared, caller),
      ...callerUploads(shared, caller),
      ...callerBatches(shared, caller, actions),
    }
    services.set(caller, service)
    return service
  }
}
