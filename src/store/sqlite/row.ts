import type { InferSelectModel } from 'drizzle-orm'
import type { Task } from '../../tasks/task.js'
import type { tasks, transitions } from './tables.js'

type TaskRow = InferSelectModel<typeof tasks>
type TransitionRow = InferSelectModel<typeof transitions>
type InputColumns = Pick<
  TaskRow,
  | 'caller'
  | 'videoUrl'
  | 'audioUrl'
  | 'playbackType'
  | 'reference'
  | 'idempotencyKey'
  | 'retryOf'
  | 'createdAt'
  | 'reservedCents'
>
type StateColumns = Omit<TransitionRow, 'seq' | 'taskId' | 'caller' | 'at' | 'reason'>

/** The task that a row stands for. `id` and `seq` come with it, because each table names them in its own way. */
export const taskFromRow = (id: string, seq: number, inputs: InputColumns, state: StateColumns): Task => {
  const { caller, videoUrl, audioUrl, playbackType, reference, idempotencyKey, retryOf, createdAt, reservedCents } =
    inputs
  const said = { videoUrl, audioUrl, playbackType, reference, idempotencyKey, retryOf }
  return { id, seq, caller, ...said, createdAt, reservedCents, ...fieldsFromRow(state) } as Task
}

/** The task that a row of `tasks` stands for. */
export const taskOf = (row: TaskRow): Task => taskFromRow(row.id, row.seq, row, row)

/** What the stage has beside the inputs: the columns that are filled, in the shape of `task.ts`. */
const fieldsFromRow = (row: StateColumns) => ({
  stage: row.stage,
  ...(row.queuedAt !== null && { queuedAt: row.queuedAt }),
  ...(row.attemptedAt !== null && { attemptedAt: row.attemptedAt }),
  ...(row.upstreamId !== null && { upstreamId: row.upstreamId }),
  ...(row.submittedAt !== null && { submittedAt: row.submittedAt }),
  ...(row.startedAt !== null && { startedAt: row.startedAt }),
  ...(row.completedAt !== null && { completedAt: row.completedAt }),
  ...(row.resultUrl !== null &&
    row.durationMs !== null && {
      result: {
        resultUrl: row.resultUrl,
        coverUrl: row.coverUrl,
        durationMs: row.durationMs,
        animation: row.animation,
        animatedShare: row.animatedShare,
      },
    }),
  ...(row.failureCode !== null && { failure: { code: row.failureCode, message: row.failureMessage ?? '' } }),
})

/** The columns that hold a task's state: every one of them, so that what the new stage lacks is cleared. */
export const stateToRow = (task: Task): StateColumns => {
  const waiting = task.stage === 'queued' || task.stage === 'submitting' || task.stage === 'unknown' ? task : null
  const attempted = task.stage === 'submitting' || task.stage === 'unknown' ? task : null
  const accepted = 'upstreamId' in task ? task : null
  const result = task.stage === 'success' ? task.result : null
  const failure = task.stage === 'failed' || task.stage === 'canceled' ? task.failure : null
  return {
    stage: task.stage,
    queuedAt: waiting?.queuedAt ?? null,
    attemptedAt: attempted?.attemptedAt ?? null,
    upstreamId: accepted?.upstreamId ?? null,
    submittedAt: accepted?.submittedAt ?? null,
    startedAt: ('startedAt' in task ? task.startedAt : null) ?? null,
    completedAt: 'completedAt' in task ? task.completedAt : null,
    resultUrl: result?.resultUrl ?? null,
    coverUrl: result?.coverUrl ?? null,
    durationMs: result?.durationMs ?? null,
    animation: result?.animation ?? null,
    animatedShare: result?.animatedShare ?? null,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
  }
}
