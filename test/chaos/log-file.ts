import { Database } from '../../src/store/sqlite/load-sqlite.js'
import type { Stage } from '../../src/tasks/task.js'

/** A step of the log, as the database file has it. */
export interface Step {
  readonly seq: number
  readonly taskId: string
  readonly stage: Stage
  readonly at: number
  readonly reason: string | null
}

/** A task, as the database file has it. */
export interface Kept {
  readonly id: string
  readonly idempotencyKey: string
  readonly videoUrl: string
  readonly stage: Stage
  readonly seq: number
  readonly upstreamId: string | null
  readonly resultUrl: string | null
  readonly failureCode: string | null
}

/** Reads the database past the gateway's own code, so that no mistake in it can hide itself. */
export const readLogFile = (file: string): { steps: Step[]; tasks: Kept[] } => {
  const database = new Database(file, { readonly: true })
  try {
    return {
      steps: database
        .prepare('SELECT seq, task_id AS taskId, stage, at, reason FROM transitions ORDER BY seq')
        .all() as Step[],
      tasks: database
        .prepare(
          `SELECT id, idempotency_key AS idempotencyKey, video_url AS videoUrl, stage, seq, upstream_id AS upstreamId,
           result_url AS resultUrl, failure_code AS failureCode FROM tasks ORDER BY id`,
        )
        .all() as Kept[],
    }
  } finally {
    database.close()
  }
}
