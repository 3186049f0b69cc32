import { z } from 'zod'
import type { TaskRestriction } from '../caller.js'
import { parse, referenceText } from './create-input.js'

/** The tasks that a watch token will show: some by id, all with a reference, or a batch. Exactly one field is given. */
export interface WatchRequest {
  /** 1 to 100 ids. */
  readonly taskIds?: readonly string[] | null | undefined
  /** All tasks with this reference, future ones too. */
  readonly reference?: string | null | undefined
  /** All tasks of this batch. */
  readonly batchId?: string | null | undefined
}

const MOST_TASKS = 100

const watchRequest = z
  .object({
    taskIds: z.array(z.string()).min(1, 'is empty').max(MOST_TASKS, `has more than ${MOST_TASKS} ids`).nullish(),
    reference: referenceText.min(1, 'is empty').nullish(),
    batchId: z.string().nullish(),
  })
  .superRefine((given, { addIssue }) => {
    if (Object.values(given).filter(value => value != null).length !== 1)
      addIssue({
        code: 'custom',
        path: ['taskIds'],
        message: 'or reference or batchId is required, and only one of them',
      })
  })
  .transform(({ taskIds, reference, batchId }): TaskRestriction => {
    if (reference != null) return { reference }
    return batchId == null ? { taskIds: taskIds ?? [] } : { batchId }
  })

/** Checks a request for a watch token. Throws `BAD_USER_INPUT` with every problem. */
export function parseWatchRequest({ taskIds, reference, batchId }: WatchRequest): TaskRestriction {
  return parse(watchRequest, { taskIds, reference, batchId })
}
