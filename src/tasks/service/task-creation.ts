import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { Task } from '../task.js'
import type { TaskReader } from '../task-store.js'
import { differenceOf } from './choices.js'
import { type CreateInput, type ParsedCreateInput, parseCreateInput, parseDuration } from './create-input.js'
import { invalidInput } from './invalid-input.js'
import { requireScope } from './permissions.js'
import type { TaskCreator } from './task-creator.js'
import type { TaskService } from './task-service.js'
import { toCredits } from './task-view.js'
import { acquireWait, type TaskWaitingParts, waitUntilFinal } from './task-waiting.js'
import type { UploadedInputs } from './uploaded-inputs.js'

export interface TaskCreationParts extends TaskWaitingParts {
  store: TaskWaitingParts['store'] & Pick<TaskReader, 'earlier'>
  creator: Pick<TaskCreator, 'create' | 'track'>
  uploadedInputs: Pick<UploadedInputs, 'claim'>
  /** The price of an output, in hundredths of a credit. */
  priceOf(durationMs: number): number
  /** The length of an output for which the caller gave no expectation, in milliseconds. */
  estimateMs: number
}

export type TaskCreation = Pick<TaskService, 'create' | 'estimate'>

/** Creates tasks, and estimates their price. */
export function taskCreation(parts: TaskCreationParts, caller: Caller): TaskCreation {
  const { creator, presenter, priceOf, estimateMs, subscriptions } = parts

  async function create(input: CreateInput, platform: string | null): Promise<Task> {
    const parsed = parseCreateInput(input)
    // A look-up by these inputs waits from here on.
    return creator.track(caller.id, parsed, createParsed(parsed, platform))
  }

  async function createParsed(parsed: ParsedCreateInput, platform: string | null): Promise<Task> {
    const { expectedDurationSeconds, idempotencyKey, ...given } = parsed
    const { inputs: choices, problems } = await parts.uploadedInputs.claim(given)
    const repeats = { caller: caller.id, idempotencyKey, retryOf: null }
    // The files of a task that exists already may be gone.
    if (problems.length > 0 && !(await parts.store.earlier(repeats))) throw invalidInput(problems)
    const expectedMs = expectedDurationSeconds === null ? estimateMs : expectedDurationSeconds * 1_000
    // At least the price of a millisecond, so that a used-up budget admits no task that costs something.
    const reservedCents = priceOf(Math.max(expectedMs, 1))
    const origin = { idempotencyKey, retryOf: null, reservedCents, platform, batchId: null }
    const task = await creator.create(caller, { ...choices, ...origin })
    const field = differenceOf(task, choices)
    if (field === null) return task
    throw new GatewayError('IDEMPOTENCY_MISMATCH', `The idempotencyKey was used with another ${field}.`, { field })
  }

  return {
    async create(input, { platform = null, waitSeconds: seconds = 0, signal } = {}) {
      requireScope(caller, 'create')
      // Before the task is stored: afterwards an error would look like a refusal.
      const release = acquireWait(subscriptions, caller, { seconds })
      try {
        const task = await create(input, platform)
        if (seconds === 0) return presenter.show(task)
        const latest = await waitUntilFinal(parts, task.id, { seconds, signal }).catch(() => null)
        return presenter.show(latest ?? task)
      } finally {
        release()
      }
    },

    estimate(durationSeconds) {
      const durationMs = parseDuration(durationSeconds)
      return { durationMs, credits: toCredits(priceOf(durationMs)) }
    },
  }
}
