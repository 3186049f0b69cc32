import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import { type LiveState, mayBeGivenUp, NO_LIVE_STATE } from '../driver/live-state.js'
import type { Task } from '../task.js'
import type { TaskReader } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import { choicesOf } from './choices.js'
import { requireScope } from './permissions.js'
import { requireTask } from './task-access.js'
import type { TaskCreator } from './task-creator.js'
import type { TaskPresenter } from './task-presenter.js'
import type { ResolveAction, TaskService } from './task-service.js'
import type { UploadedInputs } from './uploaded-inputs.js'

export interface TaskActionsParts {
  store: Pick<TaskReader, 'get' | 'earlier'>
  uploadedInputs: Pick<UploadedInputs, 'claim'>
  transitions: Pick<Transitions, 'move'>
  clock: Clock
  creator: TaskCreator
  presenter: TaskPresenter
  liveStates(tasks: readonly Task[]): Promise<ReadonlyMap<string, LiveState>>
}

export type TaskActions = Pick<TaskService, 'cancel' | 'retry' | 'resolve'>

/** The stages and conditions that each decision requires. */
const RESOLVABLE = {
  RESUBMIT: 'only a task whose submit has no known answer (UNKNOWN) can be submitted again',
  FAIL: 'only a task in UNKNOWN, or one that stalled or has a problem, can be given up',
} as const satisfies Record<ResolveAction, string>

/** Cancels, retries and resolves tasks. */
export function taskActions(parts: TaskActionsParts, caller: Caller): TaskActions {
  const { store, uploadedInputs, transitions, clock, creator, presenter, liveStates } = parts

  async function resubmit(task: Task): Promise<Task | null> {
    if (task.stage !== 'unknown') return null
    const queued = { queuedAt: clock.now(), queuedMono: clock.monotonic() }
    return transitions.move(task, 'queued', queued, { reason: `submitted again by ${caller.id}` })
  }

  async function giveUp(task: Task): Promise<Task | null> {
    const completedAt = clock.now()
    const step = { reason: `given up by ${caller.id}` }
    if (task.stage === 'unknown') {
      const message = 'Whether the upstream accepted the job is not known.'
      return transitions.move(task, 'failed', { completedAt, failure: { code: 'SUBMIT_UNRESOLVED', message } }, step)
    }
    if (task.stage !== 'submitted' && task.stage !== 'processing') return null
    const live = (await liveStates([task])).get(task.id) ?? NO_LIVE_STATE
    if (!mayBeGivenUp(task, live)) return null
    const message = live.problem ?? 'The upstream did not finish the job in time.'
    return transitions.move(task, 'failed', { completedAt, failure: { code: 'GIVEN_UP', message } }, step)
  }

  return {
    async cancel(id) {
      requireScope(caller, 'create')
      const task = await requireTask(store, caller, id)
      if (task.stage === 'canceled') return task
      const failure = { code: 'CANCELED', message: 'Canceled by the caller before it was submitted.' } as const
      const completed = { completedAt: clock.now(), failure }
      const canceled = task.stage === 'queued' && (await transitions.move(task, 'canceled', completed))
      if (canceled) return canceled
      const now = await requireTask(store, caller, id)
      throw invalidState(now, 'only a queued task can be canceled, because it is not paid for yet')
    },

    async retry(id) {
      requireScope(caller, 'create')
      const task = await requireTask(store, caller, id)
      if (task.caller !== caller.id)
        throw invalidState(task, 'only its own caller can retry it, because the retry is paid for again')
      if (task.stage !== 'failed' && task.stage !== 'canceled')
        throw invalidState(task, 'only a failed or canceled task can be retried')
      const { problems } = await uploadedInputs.claim(task)
      if (problems.length > 0 && !(await store.earlier({ caller: caller.id, idempotencyKey: null, retryOf: id })))
        throw invalidState(task, 'its uploaded files have expired')
      const { reservedCents, platform } = task
      const order = { ...choicesOf(task), reservedCents, platform, idempotencyKey: null, retryOf: id, batchId: null }
      return presenter.show(await creator.create(caller, order))
    },

    async resolve(id, action) {
      requireScope(caller, 'admin')
      const task = await requireTask(store, caller, id)
      const resolved = action === 'RESUBMIT' ? await resubmit(task) : await giveUp(task)
      if (resolved) return resolved
      throw invalidState(await requireTask(store, caller, id), RESOLVABLE[action])
    },
  }
}

function invalidState(task: Task, why: string): GatewayError {
  const { stage } = task
  return new GatewayError('INVALID_STATE', `The task is ${stage.toUpperCase()}: ${why}.`, { stage, field: 'id' })
}
