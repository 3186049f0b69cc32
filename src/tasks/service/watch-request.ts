import { z } from 'zod'
import type { TaskRestriction } from '../caller.js'
import { parse, referenceText } from './create-input.js'

/** The tasks that a watch token will show: some by id, or all with a reference. Exactly one field is given. */
export interface WatchRequest {
  /** 1 to 100 ids. */
  readonly taskIds?: readonly string[] | null | undefined
  /** All tasks with this reference, future ones too. */
  readonly reference?: string | null | undefined
}

const MOST_TASKS = 100

const watchRequest = z
  .object({
    taskIds: z.array(z.string()).min(1, 'is empty').max(MOST_TASKS, `has more than ${MOST_TASKS} ids`).nullish(),
    reference: referenceText.min(1, 'is empty').nullish(),
  })
  .superRefine(({ taskIds, reference }, { addIssue }) => {
    if ((taskIds == null) === (reference == null))
      addIssue({ code: 'custom', path: ['taskIds'], message: 'or reference is required, but not both' })
  })
  .transform(
    ({ taskIds, reference }): TaskRestriction => (reference == null ? { taskIds: taskIds ?? [] } : { reference }),
  )

/** Checks a request for a watch token. Throws `BAD_USER_INPUT` with every problem. */
export function parseWatchRequest({ taskIds, reference }: WatchRequest): TaskRestriction {
  return parse(watchRequest, { taskIds, reference })
}
