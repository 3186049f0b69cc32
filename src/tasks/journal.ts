import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Hints } from './hints.js'
import type { TaskStore, Watch } from './ports.js'
import { UNWATCHED } from './schedule.js'
import { advance, type FieldsTo, type PreviousStage, type Stage, type Task, type TaskIn } from './task.js'

/** The one way a task changes: written first, then logged, then told to whoever follows. */
export interface Journal {
  create(task: Omit<TaskIn<'queued'>, 'seq'>): Promise<TaskIn<'queued'>>
  /** One step of the task's life. Null when somebody else moved it first: then there is nothing to do. */
  move<N extends Stage, S extends PreviousStage<N>>(
    task: TaskIn<S>,
    stage: N,
    fields: FieldsTo<S, N>,
    why?: { reason?: string; watch?: Watch },
  ): Promise<TaskIn<N> | null>
}

export const createJournal = (parts: { store: TaskStore; hints: Hints; clock: Clock; log: Logger }): Journal => {
  const { store, hints, clock, log } = parts
  return {
    async create(task) {
      const created = await store.create(task)
      log.info({ taskId: task.id, stage: 'queued' }, 'task accepted')
      hints.tell(task.id)
      return created
    },

    async move(task, stage, fields, { reason, watch = UNWATCHED } = {}) {
      const to = advance(task, stage, fields)
      const moved = await store.move(task as Task, to, { at: clock.now(), reason: reason ?? null, watch })
      if (moved) {
        log.info({ taskId: task.id, stage, ...(reason && { reason }) }, 'task moved')
        hints.tell(task.id)
      }
      return moved
    },
  }
}
