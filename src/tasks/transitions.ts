import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Batch } from './batch.js'
import type { ChangeNotifier } from './change-notifier.js'
import { NOT_POLLED, type PollState } from './poll-state.js'
import { advance, type FieldsTo, type PreviousStage, type Stage, type Task, type TaskIn } from './task.js'
import type {
  Allowance,
  BatchRefusal,
  Claim,
  ClaimRequest,
  CopiedInputs,
  LimitReached,
  NewTask,
  SubmitQueue,
  TaskWriter,
} from './task-store.js'

/** The only writer of tasks: each change is written first, then logged, then reported to the notifier. */
export interface Transitions {
  /** Returns the new task, the earlier task with its idempotency key or of the same retry, or the limit it exceeds. */
  create(task: NewTask, allowance: Allowance): Promise<Task | LimitReached>
  /** Returns the tasks of the batch, new or earlier ones, or why it is refused as a whole. */
  createBatch(
    batch: Omit<Batch, 'size'>,
    tasks: readonly NewTask[],
    allowance: Allowance,
  ): Promise<Task[] | BatchRefusal>
  /** Carries out one step. Returns null, without an effect, when the task has moved since it was read. */
  move<N extends Stage, S extends PreviousStage<N>>(
    task: TaskIn<S>,
    stage: N,
    fields: FieldsTo<S, N>,
    step?: { readonly reason?: string; readonly poll?: PollState },
  ): Promise<TaskIn<N> | null>
  /** Moves the task to submit next to `submitting`, if a submit may leave now. */
  claimNext(request: {
    readonly window: ClaimRequest['window']
    readonly waitUntil: ClaimRequest['waitUntil']
    readonly copiesAt: ClaimRequest['copiesAt']
    readonly exceptCallers: ClaimRequest['exceptCallers']
    /** Null: one of the inputs has to be copied first. */
    attempt(
      task: TaskIn<'queued'>,
      copies: CopiedInputs,
    ): {
      readonly fields: FieldsTo<'queued', 'submitting'>
      readonly poll: PollState
      readonly reason: string | null
    } | null
  }): Promise<Claim>
}

export interface TransitionsParts {
  store: TaskWriter & Pick<SubmitQueue, 'claimNext'>
  notifier: ChangeNotifier
  clock: Clock
  log: Logger
}

export function createTransitions({ store, notifier, clock, log }: TransitionsParts): Transitions {
  return {
    async create(task, allowance) {
      const created = await store.create(task, allowance)
      if ('id' in created && created.id === task.id) {
        log.info({ taskId: task.id, caller: task.caller, stage: task.stage }, 'task accepted')
        notifier.transitioned(created, null)
      }
      return created
    },

    async createBatch(batch, tasks, allowance) {
      const created = await store.createBatch(batch, tasks, allowance)
      if (!Array.isArray(created) || created[0]?.batchId !== batch.id) return created
      log.info({ batchId: batch.id, caller: batch.caller, tasks: created.length }, 'batch accepted')
      for (const task of created) notifier.transitioned(task, null)
      return created
    },

    async move(task, stage, fields, { reason, poll = NOT_POLLED } = {}) {
      const step = { at: clock.now(), mono: clock.monotonic(), reason: reason ?? null, poll }
      const moved = await store.move(task, advance(task, stage, fields), step)
      if (moved) {
        log.info({ taskId: task.id, stage, ...(reason && { reason }) }, 'task moved')
        notifier.transitioned(moved, task.stage)
      }
      return moved
    },

    async claimNext({ attempt, ...request }) {
      const claim = await store.claimNext({
        ...request,
        attempt(queued, copies) {
          const attempted = attempt(queued, copies)
          if (!attempted) return null
          const { fields, poll, reason } = attempted
          const step = { at: clock.now(), mono: clock.monotonic(), reason, poll }
          return { to: advance(queued, 'submitting', fields), step }
        },
      })
      if (claim.kind === 'claimed') {
        log.info({ taskId: claim.task.id, stage: 'submitting' }, 'task moved')
        notifier.transitioned(claim.task, claim.from.stage)
      }
      return claim
    },
  }
}
