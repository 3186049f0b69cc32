import { GatewayError } from '../../errors.js'
import { giveWay } from '../../event-loop.js'
import type { Batch } from '../batch.js'
import type { Caller } from '../caller.js'
import type { BatchReader, TaskLog, TaskReader } from '../task-store.js'
import { type ParsedBatchInput, parseBatchInput } from './batch-input.js'
import { differenceOf } from './choices.js'
import { ALL, parseCursor } from './cursor.js'
import { invalidInput, type Problem } from './invalid-input.js'
import { requireScope } from './permissions.js'
import { notFound } from './task-access.js'
import type { TaskActions } from './task-actions.js'
import type { Order, TaskCreator } from './task-creator.js'
import { countedFollower, type TaskFollowingParts } from './task-following.js'
import type { TaskService } from './task-service.js'
import type { UploadedInputs } from './uploaded-inputs.js'

export interface CallerBatchesParts extends TaskFollowingParts {
  store: TaskReader & TaskLog & BatchReader
  creator: Pick<TaskCreator, 'createBatch' | 'track'>
  uploadedInputs: Pick<UploadedInputs, 'claim'>
  /** The price of an output, in hundredths of a credit. */
  priceOf(durationMs: number): number
  /** The length of an output for which the caller gave no expectation, in milliseconds. */
  estimateMs: number
}

export type CallerBatches = Pick<TaskService, 'createBatch' | 'batch' | 'batchCounts' | 'cancelBatch' | 'followBatch'>

/** The largest page of tasks, and so the largest batch that is read at once. */
const PAGE = 1_000

/** Creates, shows, cancels and follows batches. */
export function callerBatches(
  parts: CallerBatchesParts,
  caller: Caller,
  { cancel }: Pick<TaskActions, 'cancel'>,
): CallerBatches {
  const { store, creator, uploadedInputs, priceOf, estimateMs } = parts

  async function findBatch(id: string): Promise<Batch | null> {
    requireScope(caller, 'read')
    const batch = await store.batch(id)
    if (!batch || (batch.caller !== caller.id && !caller.scopes.has('admin'))) return null
    const { restriction } = caller
    // A batch tells of all its tasks, so a watch token shows it only when it shows all of them.
    return restriction && !('batchId' in restriction && restriction.batchId === id) ? null : batch
  }

  async function requireBatch(id: string): Promise<Batch> {
    const batch = await findBatch(id)
    if (!batch) throw new GatewayError('NOT_FOUND', 'There is no batch with this id.', { field: 'id' })
    return batch
  }

  async function lastSeq(id: string): Promise<number> {
    return Math.max(...(await store.page({ batchId: id, limit: PAGE })).map(task => task.seq))
  }

  async function createParsed(parsed: ParsedBatchInput, platform: string | null): Promise<Batch> {
    const { videoUrl, playbackType, tracks } = parsed
    /** The video is the same for all tracks. */
    const claimed = new Map()
    const orders: Order[] = []
    const missing: Problem[] = []
    for (const [index, { audioUrl, reference, idempotencyKey, expectedDurationSeconds }] of tracks.entries()) {
      const { inputs, problems } = await uploadedInputs.claim({ videoUrl, audioUrl, playbackType }, claimed)
      missing.push(
        ...problems.filter(({ path }) => index === 0 || path[0] !== 'videoUrl').map(problem => within(problem, index)),
      )
      const expectedMs = expectedDurationSeconds === null ? estimateMs : expectedDurationSeconds * 1_000
      const reservedCents = priceOf(Math.max(expectedMs, 1))
      const origin = { idempotencyKey, retryOf: null, reservedCents, platform, batchId: null }
      orders.push({ ...inputs, reference, ...origin })
      await giveWay()
    }
    const repeated =
      missing.length > 0 &&
      (await store.earlier({ caller: caller.id, retryOf: null, idempotencyKey: orders[0]?.idempotencyKey ?? null }))
    // The files of a batch that exists already may be gone.
    if (missing.length > 0 && !repeated) throw invalidInput(missing)
    const tasks = await creator.createBatch(caller, orders)
    const differing = tasks.flatMap((task, index): Problem[] => {
      const order = orders[index]
      const field = order && differenceOf(task, order)
      if (!field) return []
      const message = `tracks.${index}.idempotencyKey was used with another ${field}`
      return [{ path: ['tracks', String(index), 'idempotencyKey'], message }]
    })
    if (differing.length > 0)
      throw new GatewayError('IDEMPOTENCY_MISMATCH', 'Idempotency keys were used with other input.', {
        field: 'tracks',
        problems: differing,
      })
    const batch = await store.batch(tasks[0]?.batchId ?? '')
    if (!batch) throw notFound()
    return batch
  }

  return {
    async createBatch(input, { platform = null } = {}) {
      requireScope(caller, 'create')
      const parsed = parseBatchInput(input)
      const { videoUrl, playbackType, tracks } = parsed
      const creating = createParsed(parsed, platform)
      // Look-ups by the inputs of the tracks wait from here on.
      for (const { audioUrl } of tracks) creator.track(caller.id, { videoUrl, audioUrl, playbackType }, creating)
      return creating
    },

    batch: findBatch,

    batchCounts: ({ id }) => store.batchCounts(id),

    async cancelBatch(id) {
      requireScope(caller, 'create')
      const batch = await requireBatch(id)
      const queued = await store.page({ batchId: id, stages: ['queued'], limit: PAGE })
      for (const task of queued) {
        // One that was submitted meanwhile goes on.
        await cancel(task.id).catch(ignoreInvalidState)
        await giveWay()
      }
      return batch
    },

    async followBatch(id, { after } = {}) {
      return countedFollower(parts, caller, async () => {
        const batch = await requireBatch(id)
        const from = after === undefined ? 0 : parseCursor(after, store.epoch, await store.lastSeq(ALL))
        const isOver = async () => {
          const { tasks } = await store.batchCounts(id)
          return tasks.PENDING + tasks.PROCESSING === 0
        }
        const filter = { caller: batch.caller, batchId: id }
        // The last event is delivered even when the cursor is at or after it.
        const start = (await isOver()) ? Math.min(from, (await lastSeq(id)) - 1) : from
        return { whose: { filter }, after: start, isOver }
      })
    },
  }
}

/** The video is the same for all tracks. */
function within({ path, message }: Problem, index: number): Problem {
  return path[0] === 'videoUrl'
    ? { path, message }
    : { path: ['tracks', String(index), ...path], message: `tracks.${index}.${message}` }
}

function ignoreInvalidState(thrown: unknown): void {
  if (!(thrown instanceof GatewayError && thrown.code === 'INVALID_STATE')) throw thrown
}
