import { sql } from 'drizzle-orm'
import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { Animation, FailureCode, PlaybackType, Stage, Status } from '../tasks/task.js'

/** What changes in a task: kept once for now (`tasks`), and once for each step as it was then (`transitions`). */
const state = () => ({
  stage: text().$type<Stage>().notNull(),
  queuedAt: integer('queued_at'),
  attemptedAt: integer('attempted_at'),
  upstreamId: text('upstream_id'),
  submittedAt: integer('submitted_at'),
  startedAt: integer('started_at'),
  completedAt: integer('completed_at'),
  resultUrl: text('result_url'),
  coverUrl: text('cover_url'),
  durationMs: integer('duration_ms'),
  animation: text().$type<Animation>(),
  animatedShare: real('animated_share'),
  failureCode: text('failure_code').$type<FailureCode>(),
  failureMessage: text('failure_message'),
})

/** Times are milliseconds since the Unix epoch. Only unfinished tasks stand in the partial indexes. */
export const tasks = sqliteTable(
  'tasks',
  {
    id: text().primaryKey(),
    videoUrl: text('video_url').notNull(),
    audioUrl: text('audio_url').notNull(),
    playbackType: text('playback_type').$type<PlaybackType>().notNull(),
    reference: text(),
    idempotencyKey: text('idempotency_key').unique(),
    /** One retry per task: asking for it again finds the first. */
    retryOf: text('retry_of').unique(),
    createdAt: integer('created_at').notNull(),
    ...state(),
    status: text().$type<Status>().notNull(),
    /** The latest transition: whoever wants to move the task must know it. */
    seq: integer().notNull(),
    /** When the poller looks next; null when it need not. */
    dueAt: integer('due_at'),
    looks: integer().notNull().default(0),
    failures: integer().notNull().default(0),
    absences: integer().notNull().default(0),
  },
  t => [
    index('tasks_by_status').on(t.status, t.id),
    index('tasks_by_reference').on(t.reference, t.id),
    index('tasks_by_reference_and_status').on(t.reference, t.status, t.id),
    index('tasks_due').on(t.dueAt).where(sql`due_at IS NOT NULL`),
    index('tasks_queued').on(t.id).where(sql`stage = 'queued'`),
    index('tasks_waiting').on(t.queuedAt).where(sql`stage = 'queued'`),
    index('tasks_unsettled').on(t.videoUrl, t.audioUrl, t.playbackType).where(sql`stage IN ('submitting', 'unknown')`),
    index('tasks_by_upstream_id').on(t.upstreamId).where(sql`upstream_id IS NOT NULL`),
  ],
)

/** The log. Rows are only ever added; `seq` never goes back and is never used again. */
export const transitions = sqliteTable(
  'transitions',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    taskId: text('task_id')
      .notNull()
      .references(() => tasks.id),
    at: integer().notNull(),
    /** What happened and why, for people. Null where the stage says it all. */
    reason: text(),
    ...state(),
  },
  t => [
    index('transitions_by_task').on(t.taskId, t.seq),
    index('transitions_submitting').on(t.at).where(sql`stage = 'submitting'`),
  ],
)
