import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { CallerLimits, Scope } from '../../tasks/caller.js'
import type { Animation, FailureCode, PlaybackType, Stage } from '../../tasks/task.js'
import type { PauseState } from '../../tasks/task-store.js'

/**
 * Columns named `…_at` hold wall-clock time, in milliseconds since the Unix epoch, for display only. Columns named
 * `…_mono` hold monotonic milliseconds of the store's clock.
 */

/** The columns of a stage, kept in `tasks` as they are now and in `transitions` as they were after each step. */
function state() {
  return {
    stage: text().$type<Stage>().notNull(),
    queuedAt: integer('queued_at'),
    queuedMono: integer('queued_mono'),
    attemptedAt: integer('attempted_at'),
    attemptedMono: integer('attempted_mono'),
    attemptedUpstreamAt: integer('attempted_upstream_at'),
    sentVideoUrl: text('sent_video_url'),
    sentAudioUrl: text('sent_audio_url'),
    upstreamId: text('upstream_id'),
    submittedAt: integer('submitted_at'),
    submittedMono: integer('submitted_mono'),
    startedAt: integer('started_at'),
    completedAt: integer('completed_at'),
    resultUrl: text('result_url'),
    coverUrl: text('cover_url'),
    durationMs: integer('duration_ms'),
    animation: text().$type<Animation>(),
    animatedShare: real('animated_share'),
    costCents: integer('cost_cents'),
    failureCode: text('failure_code').$type<FailureCode>(),
    failureMessage: text('failure_message'),
  }
}

/** Only unfinished tasks are in the partial indexes. */
export const tasks = sqliteTable(
  'tasks',
  {
    id: text().primaryKey(),
    caller: text().notNull(),
    videoUrl: text('video_url').notNull(),
    audioUrl: text('audio_url').notNull(),
    playbackType: text('playback_type').$type<PlaybackType>().notNull(),
    /** SHA-256 of an input that was uploaded, in hex. */
    videoSha256: text('video_sha256'),
    audioSha256: text('audio_sha256'),
    /** SHA-256 of the inputs: tasks with equal inputs are twins. */
    inputsHash: text('inputs_hash').notNull(),
    reference: text(),
    idempotencyKey: text('idempotency_key'),
    /** Unique: a repeated retry of a task finds the first one. */
    retryOf: text('retry_of').unique(),
    platform: text(),
    batchId: text('batch_id'),
    createdAt: integer('created_at').notNull(),
    reservedCents: integer('reserved_cents').notNull(),
    lookupFirst: integer('lookup_first', { mode: 'boolean' }).notNull(),
    /** The number of the first transition: the order in which tasks were created, whatever the wall clock did. */
    createdSeq: integer('created_seq').notNull(),
    ...state(),
    /** The number of the latest transition: a move has to name it. */
    seq: integer().notNull(),
    dueMono: integer('due_mono'),
    checks: integer().notNull(),
    failures: integer().notNull(),
    absences: integer().notNull(),
    problem: text(),
  },
  t => [
    index('tasks_by_age').on(t.createdAt, t.id),
    index('tasks_by_stage').on(t.stage, t.createdAt, t.id),
    index('tasks_by_reference').on(t.reference, t.createdAt, t.id).where(sql`reference IS NOT NULL`),
    index('tasks_by_caller').on(t.caller, t.createdAt, t.id),
    index('tasks_by_caller_and_stage').on(t.caller, t.stage, t.createdAt, t.id),
    index('tasks_by_caller_and_reference')
      .on(t.caller, t.reference, t.createdAt, t.id)
      .where(sql`reference IS NOT NULL`),
    index('tasks_by_caller_reference_and_stage')
      .on(t.caller, t.reference, t.stage, t.createdAt, t.id)
      .where(sql`reference IS NOT NULL`),
    index('tasks_by_batch').on(t.batchId, t.createdAt, t.id).where(sql`batch_id IS NOT NULL`),
    index('tasks_by_batch_and_stage').on(t.batchId, t.stage, t.createdAt, t.id).where(sql`batch_id IS NOT NULL`),
    index('tasks_by_uploaded_video').on(t.videoSha256, t.stage).where(sql`video_sha256 IS NOT NULL`),
    index('tasks_by_uploaded_audio').on(t.audioSha256, t.stage).where(sql`audio_sha256 IS NOT NULL`),
    index('tasks_by_inputs').on(t.caller, t.inputsHash, t.createdSeq),
    uniqueIndex('tasks_by_idempotency_key').on(t.caller, t.idempotencyKey).where(sql`idempotency_key IS NOT NULL`),
    index('tasks_by_upstream_id').on(t.upstreamId).where(sql`upstream_id IS NOT NULL`),
    index('tasks_due').on(t.dueMono, t.id).where(sql`due_mono IS NOT NULL`),
    index('tasks_queued').on(t.caller, t.createdSeq).where(sql`stage = 'queued'`),
    index('tasks_queued_twins').on(t.inputsHash, t.caller, t.createdSeq).where(sql`stage = 'queued'`),
    // The plus keeps `tasks_by_stage` out of the plans of queries that name this very condition.
    index('tasks_queued_by_age').on(t.queuedMono).where(sql`+stage = 'queued'`),
    index('tasks_unsettled').on(t.inputsHash).where(sql`stage IN ('submitting', 'unknown')`),
  ],
)

/** The log. Rows are only added; a `seq` is never used again. */
export const transitions = sqliteTable(
  'transitions',
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    /**
     * No foreign key: the row of the task is written after its first transition, whose number it has. Deferring the check
     * would make SQLite compile every statement anew.
     */
    taskId: text('task_id').notNull(),
    caller: text().notNull(),
    reference: text(),
    batchId: text('batch_id'),
    at: integer().notNull(),
    mono: integer().notNull(),
    /** What happened and why, for people. Null where the stage says everything. */
    reason: text(),
    ...state(),
  },
  t => [
    index('transitions_by_task').on(t.taskId, t.seq),
    index('transitions_by_caller').on(t.caller, t.seq),
    index('transitions_by_reference').on(t.reference, t.seq).where(sql`reference IS NOT NULL`),
    index('transitions_by_caller_and_reference').on(t.caller, t.reference, t.seq).where(sql`reference IS NOT NULL`),
    index('transitions_by_batch').on(t.batchId, t.seq).where(sql`batch_id IS NOT NULL`),
    index('transitions_submitting').on(t.seq).where(sql`stage = 'submitting'`),
  ],
)

/** The queue of each caller that ever had a task, kept with every step. */
export const callerQueues = sqliteTable(
  'caller_queues',
  {
    caller: text().primaryKey(),
    waiting: integer().notNull(),
    /** The number of the transition that was the caller's latest turn; 0: it had none. */
    turn: integer().notNull(),
    /** When the current minute of creates began, and the creates since. */
    minuteMono: integer('minute_mono').notNull(),
    minuteCreates: integer('minute_creates').notNull(),
  },
  t => [index('caller_queues_by_turn').on(t.turn, t.caller).where(sql`waiting > 0`)],
)

/** The queued tasks of one caller that are twins, kept with every step. A group without tasks has no row. */
export const twinQueues = sqliteTable(
  'twin_queues',
  {
    inputsHash: text('inputs_hash').notNull(),
    caller: text().notNull(),
    waiting: integer().notNull(),
    /** The least `created_seq` of the group. */
    headSeq: integer('head_seq').notNull(),
    /** Whether a twin has an unsettled submit, so that none of the group may leave. */
    isHeld: integer('is_held', { mode: 'boolean' }).notNull(),
  },
  t => [
    primaryKey({ columns: [t.inputsHash, t.caller] }),
    index('twin_queues_by_head').on(t.caller, t.headSeq).where(sql`is_held = 0`),
  ],
)

/** How many tasks of each caller are in each stage, kept with every step: one count for all would queue up its writers. */
export const stageCounts = sqliteTable(
  'stage_counts',
  {
    stage: text().$type<Stage>().notNull(),
    caller: text().notNull(),
    count: integer().notNull(),
  },
  t => [primaryKey({ columns: [t.stage, t.caller] })],
)

/** One row: why nothing is submitted, and what the decision about the next failure needs. */
export const submitQueue = sqliteTable('submit_queue', {
  id: integer().primaryKey(),
  /** The kind of the error that began the pause. Null when the queue is not paused. */
  kind: text().$type<NonNullable<PauseState['pause']>['kind']>(),
  reason: text(),
  untilMono: integer('until_mono'),
  /** From when on an answered check ends the pause. */
  endsByCheckMono: integer('ends_by_check_mono'),
  failures: integer().notNull(),
  lostAnswers: integer('lost_answers').notNull(),
})

/** The gateways that are open on the database. */
export const nodes = sqliteTable('nodes', {
  id: text().primaryKey(),
  host: text().notNull(),
  pid: integer().notNull(),
  version: text().notNull(),
  startedAt: integer('started_at').notNull(),
  /** The latest sign of life. */
  seenMono: integer('seen_mono').notNull(),
})

/** What each caller used in each month (UTC) in which its tasks were created, kept with every step. */
export const usage = sqliteTable(
  'usage',
  {
    month: text().notNull(),
    caller: text().notNull(),
    pending: integer().notNull(),
    processing: integer().notNull(),
    success: integer().notNull(),
    failed: integer().notNull(),
    canceled: integer().notNull(),
    durationMs: integer('duration_ms').notNull(),
    spentCents: integer('spent_cents').notNull(),
    reservedCents: integer('reserved_cents').notNull(),
  },
  t => [primaryKey({ columns: [t.month, t.caller] }), index('usage_by_caller').on(t.caller, t.month)],
)

/** Tasks that were accepted together. */
export const batches = sqliteTable('batches', {
  id: text().primaryKey(),
  caller: text().notNull(),
  size: integer().notNull(),
  createdAt: integer('created_at').notNull(),
})

/** The files that callers uploaded. */
export const uploads = sqliteTable(
  'uploads',
  {
    /** The folder of the file in the media store; unguessable. */
    mediaId: text('media_id').primaryKey(),
    name: text().notNull(),
    caller: text().notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    sha256: text().notNull(),
    createdAt: integer('created_at').notNull(),
    expiresMono: integer('expires_mono').notNull(),
    /** False: it has expired, and the row only tells which content the link of a task led to. */
    isKept: integer('is_kept', { mode: 'boolean' }).notNull(),
  },
  t => [
    index('uploads_by_caller').on(t.caller, t.sizeBytes).where(sql`is_kept = 1`),
    index('uploads_by_expiry').on(t.expiresMono).where(sql`is_kept = 1`),
    index('uploads_by_content').on(t.sha256),
  ],
)

/** The assets at an upstream that hold the bytes of uploads. Never replaced: submitted tasks name them. */
export const upstreamAssets = sqliteTable(
  'upstream_assets',
  {
    sha256: text().notNull(),
    upstream: text().notNull(),
    url: text().notNull(),
  },
  t => [primaryKey({ columns: [t.sha256, t.upstream] })],
)

/** The latest calls, beside submits, that count against the upstream's rate limit. */
export const assetCalls = sqliteTable(
  'asset_calls',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    begunMono: integer('begun_mono').notNull(),
    endedMono: integer('ended_mono').notNull(),
  },
  t => [index('asset_calls_by_end').on(t.endedMono)],
)

/** The API keys, without their secrets. None is ever deleted: a gateway that once had a key stays closed. */
export const apiKeys = sqliteTable('api_keys', {
  /** The public part of the key. */
  id: text().primaryKey(),
  /** Several keys may belong to one caller, so that one can replace another without a gap. */
  caller: text().notNull(),
  /** SHA-256 of the secret part, in hex. */
  hash: text().notNull(),
  scopes: text({ mode: 'json' }).$type<readonly Scope[]>().notNull(),
  /** The limits that differ from the configured ones. */
  limits: text({ mode: 'json' }).$type<Partial<CallerLimits>>().notNull(),
  createdAt: integer('created_at').notNull(),
  expiresAt: integer('expires_at'),
  revokedAt: integer('revoked_at'),
  lastUsedAt: integer('last_used_at'),
})

/** The gateway's own secrets, such as the one that signs watch tokens; each is made when it is first needed. */
export const secrets = sqliteTable('secrets', {
  name: text().primaryKey(),
  value: text().notNull(),
})

/** One row: what the gateway has to know of its own past. */
export const gateway = sqliteTable('gateway', {
  id: integer().primaryKey(),
  /** Identifies the log; replaced when the database is found to have gone back in time. */
  epoch: text().notNull(),
  /** How often the gateway started on this database. */
  starts: integer().notNull(),
  /** How many submits began. */
  submits: integer().notNull(),
  /** The boot of the machine on which the two readings below were taken. */
  bootId: text('boot_id').notNull(),
  /** The machine's monotonic clock at the last heartbeat. */
  systemMono: integer('system_mono').notNull(),
  /** The store's clock at the same moment. */
  mono: integer().notNull(),
})
