import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { ChangeNotifier } from './change-notifier.js'
import type { PollState } from './poll-state.js'
import { NOT_POLLED } from './poll-state.js'
import { advance, type FieldsTo, type PreviousStage, type Stage, type Task, type TaskIn } from './task.js'
import type { Allowance, LimitReached, NewTask, TaskStore } from './task-store.js'

/** The one way a task changes: written first, then logged, then told to whoever follows. */
export interface Transitions {
  /** A new task, or the one that has its idempotency key or is its retry already, or why there is none. */
  create(task: NewTask, allowance: Allowance): Promise<Task | LimitReached>
  /** One step of the task's life. Null when somebody else moved it first: then there is nothing to do. */
  move<N extends Stage, S extends PreviousStage<N>>(
    task: TaskIn<S>,
    stage: N,
    fields: FieldsTo<S, N>,
    why?: { reason?: string; poll?: PollState },
  ): Promise<TaskIn<N> | null>
}

export interface TransitionsParts {
  store: TaskStore
  notifier: ChangeNotifier
  clock: Clock
  log: Logger
  /** Told when a task has left the queue, or came back to it, so that the others have moved. */
  onQueueMoved(): void
}

export const createTransitions = ({ store, notifier, clock, log, onQueueMoved }: TransitionsParts): Transitions => {
  return {
    async create(task, allowance) {
      const created = await store.create(task, allowance)
      if ('id' in created && created.id === task.id) {
        log.info({ taskId: task.id, caller: task.caller, stage: 'queued' }, 'task accepted')
        notifier.tell(task.id)
      }
      return created
    },

    async move(task, stage, fields, { reason, poll = NOT_POLLED } = {}) {
      const to = advance(task, stage, fields)
      const moved = await store.move(task, to, {
        at: clock.now(),
        mono: clock.monotonic(),
        reason: reason ?? null,
        poll,
      })
      if (moved) {
        log.info({ taskId: task.id, stage, ...(reason && { reason }) }, 'task moved')
        if (task.stage === 'queued' || stage === 'queued') onQueueMoved()
        notifier.tell(task.id)
      }
      return moved
    },
  }
}
