import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import { CHOICE_NAMES } from './choices.js'
import { parseCreateInput, parseDuration } from './create-input.js'
import { requireScope } from './permissions.js'
import type { TaskCreator } from './task-creator.js'
import type { TaskPresenter } from './task-presenter.js'
import type { TaskService } from './task-service.js'
import { toCredits } from './task-view.js'

export interface TaskCreationParts {
  creator: TaskCreator
  presenter: TaskPresenter
  /** The price of an output, in hundredths of a credit. */
  priceOf(durationMs: number): number
  /** The length of an output for which the caller gave no expectation, in milliseconds. */
  estimateMs: number
}

export type TaskCreation = Pick<TaskService, 'create' | 'estimate'>

/** Creates tasks, and estimates their price. */
export function taskCreation(parts: TaskCreationParts, caller: Caller): TaskCreation {
  const { creator, presenter, priceOf, estimateMs } = parts
  return {
    async create(input) {
      requireScope(caller, 'create')
      const { expectedDurationSeconds, idempotencyKey, ...choices } = parseCreateInput(input)
      const expectedMs = expectedDurationSeconds === null ? estimateMs : expectedDurationSeconds * 1_000
      // At least the price of a millisecond, so that a used-up budget admits no task that costs something.
      const reservedCents = priceOf(Math.max(expectedMs, 1))
      const task = await creator.create(caller, { ...choices, idempotencyKey, retryOf: null, reservedCents })
      const field = CHOICE_NAMES.find(name => task[name] !== choices[name])
      if (field === undefined) return presenter.show(task)
      const message = `The idempotencyKey was used with another ${field}.`
      throw new GatewayError('IDEMPOTENCY_MISMATCH', message, { field })
    },

    estimate(durationSeconds) {
      const durationMs = parseDuration(durationSeconds)
      return { durationMs, credits: toCredits(priceOf(durationMs)) }
    },
  }
}
