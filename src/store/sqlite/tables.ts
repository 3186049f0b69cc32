import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { CallerLimits, Scope } from '../../tasks/caller.js'
import type { Animation, FailureCode, PlaybackType, Stage, Status } from '../../tasks/task.js'

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
    /** Whose it is: nobody else canSee it. */
    caller: text().notNull(),
    videoUrl: text('video_url').notNull(),
    audioUrl: text('audio_url').notNull(),
    playbackType: text('playback_type').$type<PlaybackType>().notNull(),
    reference: text(),
    idempotencyKey: text('idempotency_key'),
    /** One retry per task: asking for it again finds the first. */
    retryOf: text('retry_of').unique(),
    createdAt: integer('created_at').notNull(),
    /** What was set aside of the caller's budget, in hundredths of a credit. */
    reservedCents: integer('reserved_cents').notNull(),
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
    index('tasks_by_caller').on(t.caller, t.id),
    index('tasks_by_status').on(t.caller, t.status, t.id),
    index('tasks_by_reference').on(t.caller, t.reference, t.id),
    index('tasks_by_reference_and_status').on(t.caller, t.reference, t.status, t.id),
    uniqueIndex('tasks_by_idempotency_key').on(t.caller, t.idempotencyKey),
    index('tasks_due').on(t.dueAt).where(sql`due_at IS NOT NULL`),
    index('tasks_queued').on(t.caller, t.id).where(sql`stage = 'queued'`),
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
    caller: text().notNull(),
    at: integer().notNull(),
    /** What happened and why, for people. Null where the stage says it all. */
    reason: text(),
    ...state(),
  },
  t => [
    index('transitions_by_task').on(t.taskId, t.seq),
    index('transitions_by_caller').on(t.caller, t.seq),
    index('transitions_submitting').on(t.at).where(sql`stage = 'submitting'`),
  ],
)

/** When each caller last had its turn in the lane. */
export const turns = sqliteTable('turns', {
  caller: text().primaryKey(),
  /** The number of the transition that was its turn. */
  seq: integer().notNull(),
})

/** What each caller used in each month (UTC) in which its tasks were created, kept with every step. */
export const usage = sqliteTable(
  'usage',
  {
    caller: text().notNull(),
    /** `2026-01` */
    month: text().notNull(),
    pending: integer().notNull().default(0),
    processing: integer().notNull().default(0),
    success: integer().notNull().default(0),
    failed: integer().notNull().default(0),
    durationMs: integer('duration_ms').notNull().default(0),
    /** Hundredths of a credit. */
    spentCents: integer('spent_cents').notNull().default(0),
    reservedCents: integer('reserved_cents').notNull().default(0),
  },
  t => [primaryKey({ columns: [t.caller, t.month] })],
)

/** The keys of callers, without their secrets. None is ever deleted: a gateway that had a key does not open again. */
export const apiKeys = sqliteTable('api_keys', {
  /** The public part of the key. */
  id: text().primaryKey(),
  /** Whose it is: callers may have several keys, to change one without a gap. */
  caller: text().notNull(),
  /** SHA-256 of the secret part, in hex. */
  hash: text().notNull(),
  scopes: text({ mode: 'json' }).$type<readonly Scope[]>().notNull(),
  /** Where the key's limits differ from the configured ones. */
  limits: text({ mode: 'json' }).$type<Partial<CallerLimits>>().notNull(),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at'),
  revokedAt: integer('revoked_at'),
  lastUsedAt: integer('last_used_at'),
})

/** What the gateway itself signs with, made at the first need. */
export const secrets = sqliteTable('secrets', {
  name: text().primaryKey(),
  value: text().notNull(),
})
