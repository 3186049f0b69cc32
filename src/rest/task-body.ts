import { z } from 'zod'
import { type TaskView, taskView } from '../tasks/service/task-view.js'
import { FAILURE_CODES, type Status, type Task } from '../tasks/task.js'

const STATUSES = ['pending', 'processing', 'success', 'failed'] as const
type JoggStatus = (typeof STATUSES)[number]

const STATUS_OF = {
  PENDING: 'pending',
  PROCESSING: 'processing',
  SUCCESS: 'success',
  FAILED: 'failed',
  CANCELED: 'failed',
} as const satisfies Record<Status, JoggStatus>

const taskId = z.string().meta({ description: "The gateway's id of the task." })
const status = z.enum(STATUSES).meta({ description: 'Only `success` and `failed` are final.' })
const unixSeconds = z.int().meta({ description: 'Seconds since the Unix epoch.' })

/** JoggAI's description of a task. All six fields are always there; `data` or `error` is filled by the status. */
export const taskBodySchema = z.strictObject({
  task_id: taskId,
  status,
  created_at: unixSeconds,
  completed_at: unixSeconds.nullable(),
  data: z
    .strictObject({
      result_url: z.string(),
      cover_url: z.string().nullable(),
      duration_seconds: z.number().nullable().meta({ description: 'Null where the upstream does not report it.' }),
    })
    .nullable()
    .meta({ description: 'The result; null unless `success`.' }),
  error: z
    .strictObject({ message: z.string().min(1) })
    .nullable()
    .meta({ description: 'Why there is no result; null unless `failed`.' }),
})

export type TaskBody = z.output<typeof taskBodySchema>

export const createdBodySchema = z
  .strictObject({ task_id: taskId, status })
  .meta({ description: 'A task that was just created.' })

/** Renders a task as JoggAI does. */
export function taskBody(task: Task): TaskBody {
  const view = taskView(task)
  return {
    task_id: view.id,
    status: STATUS_OF[view.status],
    created_at: secondsOf(view.createdAt),
    completed_at: view.completedAt === null ? null : secondsOf(view.completedAt),
    data: resultOf(view),
    error: view.failure && { message: view.failure.message || FAILURE_CODES[view.failure.code] },
  }
}

export function createdBody(task: Task): z.output<typeof createdBodySchema> {
  const { task_id, status } = taskBody(task)
  return { task_id, status }
}

function resultOf({ result }: TaskView): TaskBody['data'] {
  return (
    result && {
      result_url: result.resultUrl,
      cover_url: result.coverUrl,
      duration_seconds: result.durationSeconds,
    }
  )
}

function secondsOf(isoTime: string): number {
  return Math.floor(Date.parse(isoTime) / 1_000)
}
