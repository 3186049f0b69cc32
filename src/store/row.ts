import { StoreError } from '../tasks/store-error.js'
import type { Failure, FieldsByStage, Result, Stage, Task, TaskIn } from '../tasks/task.js'
import type { Tables } from './connection.js'

export type TaskRow = Tables['tasks']['$inferSelect']
export type TransitionRow = Tables['transitions']['$inferSelect']

type StateRow = Omit<TransitionRow, 'seq' | 'taskId' | 'caller' | 'reference' | 'batchId' | 'at' | 'mono' | 'reason'>
type StateColumn = Exclude<keyof StateRow, 'stage'>
/** The fields that a task has in every stage. */
type BaseFields = Omit<TaskIn<'queued'>, 'stage' | keyof FieldsByStage['queued']>
/** A column for each of them: a field without one does not compile. */
type InputRow = Pick<TaskRow, Exclude<keyof BaseFields, 'id' | 'seq'>>

/** The fields of a stage as columns: `result` and `failure` have a column for each of their own fields. */
type Flat<Fields> = Omit<Fields, 'result' | 'failure'> &
  (Fields extends { readonly result: Result } ? Result : unknown) &
  (Fields extends { readonly failure: Failure }
    ? { readonly failureCode: Failure['code']; readonly failureMessage: Failure['message'] }
    : unknown)

/**
 * Whether the field of a column must have a value, may be null, or may be missing. `never`, so that nothing compiles,
 * for a field that has no column or a column that cannot hold it.
 */
type PresenceOf<Fields, F extends keyof Fields> = F extends StateColumn
  ? Fields[F] extends StateRow[F] | undefined
    ? undefined extends Fields[F]
      ? 'optional'
      : null extends Fields[F]
        ? 'nullable'
        : 'required'
    : never
  : never

const ATTEMPTED = {
  queuedAt: 'required',
  queuedMono: 'required',
  attemptedAt: 'required',
  attemptedMono: 'required',
  attemptedUpstreamAt: 'nullable',
  sentVideoUrl: 'nullable',
  sentAudioUrl: 'nullable',
} as const

/** The columns of each stage. The types of `task.ts` decide what is here: nothing less compiles, and nothing more. */
export const COLUMNS_BY_STAGE: {
  readonly [S in Stage]: {
    readonly [F in keyof Flat<FieldsByStage[S]>]-?: PresenceOf<Flat<FieldsByStage[S]>, F>
  }
} = {
  queued: { queuedAt: 'required', queuedMono: 'required' },
  submitting: ATTEMPTED,
  unknown: ATTEMPTED,
  submitted: { upstreamId: 'required', submittedAt: 'required', submittedMono: 'required' },
  processing: { upstreamId: 'required', submittedAt: 'required', submittedMono: 'required', startedAt: 'required' },
  success: {
    upstreamId: 'required',
    submittedAt: 'required',
    submittedMono: 'required',
    startedAt: 'optional',
    completedAt: 'required',
    resultUrl: 'required',
    coverUrl: 'nullable',
    durationMs: 'nullable',
    animation: 'nullable',
    animatedShare: 'nullable',
    costCents: 'required',
  },
  failed: {
    upstreamId: 'optional',
    submittedAt: 'optional',
    submittedMono: 'optional',
    startedAt: 'optional',
    completedAt: 'required',
    failureCode: 'required',
    failureMessage: 'required',
  },
  canceled: { completedAt: 'required', failureCode: 'required', failureMessage: 'required' },
}

const EMPTY = {
  queuedAt: null,
  queuedMono: null,
  attemptedAt: null,
  attemptedMono: null,
  attemptedUpstreamAt: null,
  sentVideoUrl: null,
  sentAudioUrl: null,
  upstreamId: null,
  submittedAt: null,
  submittedMono: null,
  startedAt: null,
  completedAt: null,
  resultUrl: null,
  coverUrl: null,
  durationMs: null,
  animation: null,
  animatedShare: null,
  costCents: null,
  failureCode: null,
  failureMessage: null,
} as const satisfies Record<StateColumn, null>

export const STATE_COLUMNS = ['stage', ...(Object.keys(EMPTY) as StateColumn[])] as const

/** The task of a row of `tasks`. */
export function taskOf(row: TaskRow): Task {
  return taskFrom(row.id, row.seq, row, row)
}

/** The task as it was after a step: its inputs from `tasks`, its state from `transitions`. */
export function taskAt(step: TransitionRow, inputs: InputRow): Task {
  return taskFrom(step.taskId, step.seq, inputs, step)
}

/** The same task in the state that was written: without the fields of earlier stages. */
export function withState(task: Task, seq: number, state: StateRow): Task {
  return taskFrom(task.id, seq, task, state)
}

/** The task as one of the given stage, which the query has selected it by. */
export function taskIn<S extends Stage>(stage: S, task: Task): TaskIn<S> {
  if (isIn(stage, task)) return task
  throw new StoreError('failed', `Task ${task.id} is ${task.stage} where ${stage} was expected.`)
}

/** The state columns of a task: those of other stages are null. */
export function stateToRow(task: Task): StateRow {
  const { stage } = task
  const fields: Readonly<Record<string, unknown>> = {
    ...task,
    ...(task.stage === 'success' && task.result),
    ...('failure' in task && { failureCode: task.failure.code, failureMessage: task.failure.message }),
  }
  const filled = Object.keys(COLUMNS_BY_STAGE[stage]).map(column => [column, fields[column] ?? null])
  return { ...EMPTY, ...Object.fromEntries(filled), stage }
}

function taskFrom(id: string, seq: number, inputs: InputRow, state: StateRow): Task {
  const read = FIELDS_OF.get(state.stage)
  if (!read) throw new StoreError('failed', `Task ${id} is stored with the unknown stage "${state.stage}".`)
  const { caller, videoUrl, audioUrl, playbackType, reference, idempotencyKey, retryOf, platform, batchId } = inputs
  const { videoSha256, audioSha256, createdAt, reservedCents, lookupFirst } = inputs
  const base: BaseFields & { stage: Stage } = {
    id,
    seq,
    caller,
    videoUrl,
    audioUrl,
    playbackType,
    reference,
    idempotencyKey,
    retryOf,
    platform,
    batchId,
    videoSha256,
    audioSha256,
    createdAt,
    reservedCents,
    lookupFirst,
    stage: state.stage,
  }
  // `COLUMNS_BY_STAGE` holds exactly the fields of the stage, and each is checked against it.
  return read(base, state) as Task
}

type ReadFields = (base: BaseFields & { stage: Stage }, state: StateRow) => object

/** The columns that are fields of `result` and `failure`. */
const PARTS: Readonly<Record<string, true>> = {
  resultUrl: true,
  coverUrl: true,
  durationMs: true,
  animation: true,
  animatedShare: true,
  failureCode: true,
  failureMessage: true,
} satisfies Record<keyof Result | 'failureCode' | 'failureMessage', true>

/** Adds the fields of a stage to a task. Made once for each stage, because every row that is read passes here. */
const FIELDS_OF: ReadonlyMap<string, ReadFields> = new Map(
  Object.entries(COLUMNS_BY_STAGE).map(([stage, columns]) => [stage, readFields(Object.entries(columns))]),
)

function readFields(columns: readonly (readonly [string, string])[]): ReadFields {
  const checks = columns.map(([column, presence]) => ({
    column: column as StateColumn,
    field: PARTS[column] ? null : column,
    isRequired: presence === 'required',
    isOptional: presence === 'optional',
  }))
  const hasResult = columns.some(([column]) => column === 'resultUrl')
  const hasFailure = columns.some(([column]) => column === 'failureCode')
  return (base, state) => {
    const task = base as unknown as Record<string, unknown>
    for (const { column, field, isRequired, isOptional } of checks) {
      const value = state[column] ?? null
      if (value === null && isRequired)
        throw new StoreError('failed', `Task ${base.id} is stored as ${state.stage} without ${column}.`)
      if (field !== null && !(value === null && isOptional)) task[field] = value
    }
    if (hasResult) task.result = resultOf(state)
    if (hasFailure) task.failure = { code: state.failureCode, message: state.failureMessage }
    return task
  }
}

function resultOf(state: StateRow): Record<keyof Result, unknown> {
  const { resultUrl, coverUrl, durationMs, animation, animatedShare } = state
  return {
    resultUrl,
    coverUrl: coverUrl ?? null,
    durationMs: durationMs ?? null,
    animation: animation ?? null,
    animatedShare: animatedShare ?? null,
  }
}

function isIn<S extends Stage>(stage: S, task: { readonly stage: Stage }): task is TaskIn<S> {
  return task.stage === stage
}
