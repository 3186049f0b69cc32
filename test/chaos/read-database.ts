import { Database } from '../../src/store/sqlite/load-sqlite.js'
import type { Stage } from '../../src/tasks/task.js'

/** A step of the log, as the database file has it. */
export interface LogStep {
  readonly seq: number
  readonly taskId: string
  readonly stage: Stage
  readonly reason: string | null
  /** Monotonic milliseconds. */
  readonly mono: number
}

/** A task, as the database file has it. */
export interface StoredTask {
  readonly id: string
  readonly idempotencyKey: string
  readonly videoUrl: string
  readonly stage: Stage
  readonly seq: number
  readonly upstreamId: string | null
  readonly resultUrl: string | null
  readonly failureCode: string | null
}

/** What a database says happened. */
export interface History {
  /** Identifies the log in cursors. */
  readonly epoch: string
  readonly steps: readonly LogStep[]
  readonly tasks: readonly StoredTask[]
}

/** Reads the database without the gateway's own code, so that no mistake in that code can hide itself. */
export function readDatabase(file: string): History {
  const database = new Database(file, { readonly: true })
  try {
    return {
      epoch: (database.prepare('SELECT epoch FROM gateway').get() as { epoch: string }).epoch,
      steps: database
        .prepare('SELECT seq, task_id AS taskId, stage, reason, mono FROM transitions ORDER BY seq')
        .all() as LogStep[],
      tasks: database
        .prepare(
          `SELECT id, idempotency_key AS idempotencyKey, video_url AS videoUrl, stage, seq, upstream_id AS upstreamId,
           result_url AS resultUrl, failure_code AS failureCode FROM tasks ORDER BY id`,
        )
        .all() as StoredTask[],
    }
  } finally {
    database.close()
  }
}

/** Copies the database by SQLite's own means while a gateway writes to it. */
export async function backUpDatabase(file: string, target: string): Promise<void> {
  const database = new Database(file, { readonly: true })
  try {
    await database.backup(target)
  } finally {
    database.close()
  }
}
