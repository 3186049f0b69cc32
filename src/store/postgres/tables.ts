import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  jsonb,
  pgTable,
  primaryKey,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { CallerLimits, Scope } from '../../tasks/caller.js'
import type { Animation, FailureCode, PlaybackType, Stage } from '../../tasks/task.js'
import type { PauseState } from '../../tasks/task-store.js'

/**
 * The tables of `sqlite/tables.ts` for Postgres; `test/store/tables.test.ts` holds that their rows are the same. Texts are
 * compared by their bytes, as SQLite does, whatever the collation of the database is.
 *
 * Columns named `…_at` hold wall-clock time, in milliseconds since the Unix epoch, for display only. Columns named
 * `…_mono` hold monotonic milliseconds of the store's clock.
 */

const text = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' })

function int(name?: string) {
  return name === undefined ? bigint({ mode: 'number' }) : bigint(name, { mode: 'number' })
}

/** The columns of a stage, kept in `tasks` as they are now and in `transitions` as they were after each step. */
function state() {
  return {
    stage: text().$type<Stage>().notNull(),
    queuedAt: int('queued_at'),
    queuedMono: int('queued_mono'),
    attemptedAt: int('attempted_at'),
    attemptedMono: int('attempted_mono'),
    attemptedUpstreamAt: int('attempted_upstream_at'),
    sentVideoUrl: text('sent_video_url'),
    sentAudioUrl: text('sent_audio_url'),
    upstreamId: text('upstream_id'),
    submittedAt: int('submitted_at'),
    submittedMono: int('submitted_mono'),
    startedAt: int('started_at'),
    completedAt: int('completed_at'),
    resultUrl: text('result_url'),
    coverUrl: text('cover_url'),
    durationMs: int('duration_ms'),
    animation: text().$type<Animation>(),
    animatedShare: doublePrecision('animated_share'),
    costCents: int('cost_cents'),
    failureCode: text('failure_code').$type<FailureCode>(),
    failureMessage: text('failure_message'),
  }
}

/** Only unfinished tasks are in the partial indexes. */
export const tasks = pgTable(
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
    createdAt: int('created_at').notNull(),
    reservedCents: int('reserved_cents').notNull(),
    lookupFirst: boolean('lookup_first').notNull(),
    /** The number of the first transition: the order in which tasks were created, whatever the wall clock did. */
    createdSeq: int('created_seq').notNull(),
    ...state(),
    /** The number of the latest transition: a move has to name it. */
    seq: int().notNull(),
    dueMono: int('due_mono'),
    checks: int().notNull(),
    failures: int().notNull(),
    absences: int().notNull(),
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
    index('tasks_queued_by_age').on(t.queuedMono).where(sql`stage = 'queued'`),
    index('tasks_unsettled').on(t.inputsHash).where(sql`stage IN ('submitting', 'unknown')`),
  ],
)

/** The log. Rows are only added; a `seq` is never used again. */
export const transitions = pgTable(
  'transitions',
  {
    seq: int().primaryKey().generatedByDefaultAsIdentity({ cache: 1 }),
    /** No foreign key: the row of the task is written after its first transition, whose number it has. */
    taskId: text('task_id').notNull(),
    caller: text().notNull(),
    reference: text(),
    batchId: text('batch_id'),
    at: int().notNull(),
    mono: int().notNull(),
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
export const callerQueues = pgTable(
  'caller_queues',
  {
    caller: text().primaryKey(),
    waiting: int().notNull(),
    /** The number of the transition that was the caller's latest turn; 0: it had none. */
    turn: int().notNull(),
    /** When the current minute of creates began, and the creates since. */
    minuteMono: int('minute_mono').notNull(),
    minuteCreates: int('minute_creates').notNull(),
  },
  t => [index('caller_queues_by_turn').on(t.turn, t.caller).where(sql`waiting > 0`)],
)

/** The queued tasks of one caller that are twins, kept with every step. A group without tasks has no row. */
export const twinQueues = pgTable(
  'twin_queues',
  {
    inputsHash: text('inputs_hash').notNull(),
    caller: text().notNull(),
    waiting: int().notNull(),
    /** The least `created_seq` of the group. */
    headSeq: int('head_seq').notNull(),
    /** Whether a twin has an unsettled submit, so that none of the group may leave. */
    isHeld: boolean('is_held').notNull(),
  },
  t => [
    primaryKey({ columns: [t.inputsHash, t.caller] }),
    index('twin_queues_by_head').on(t.caller, t.headSeq).where(sql`is_held = false`),
  ],
)

/** How many tasks of each caller are in each stage, kept with every step: one count for all would queue up its writers. */
export const stageCounts = pgTable(
  'stage_counts',
  {
    stage: text().$type<Stage>().notNull(),
    caller: text().notNull(),
    count: int().notNull(),
  },
  t => [primaryKey({ columns: [t.stage, t.caller] })],
)

/** One row: why nothing is submitted, and what the decision about the next failure needs. */
export const submitQueue = pgTable('submit_queue', {
  id: int().primaryKey().default(1),
  /** The kind of the error that began the pause. Null when the queue is not paused. */
  kind: text().$type<NonNullable<PauseState['pause']>['kind']>(),
  reason: text(),
  untilMono: int('until_mono'),
  /** From when on an answered check ends the pause. */
  endsByCheckMono: int('ends_by_check_mono'),
  failures: int().notNull(),
  lostAnswers: int('lost_answers').notNull(),
})

/** The gateways that are open on the database. */
export const nodes = pgTable('nodes', {
  id: text().primaryKey(),
  host: text().notNull(),
  pid: int().notNull(),
  version: text().notNull(),
  startedAt: int('started_at').notNull(),
  /** The latest sign of life. */
  seenMono: int('seen_mono').notNull(),
})

/** What each caller used in each month (UTC) in which its tasks were created, kept with every step. */
export const usage = pgTable(
  'usage',
  {
    month: text().notNull(),
    caller: text().notNull(),
    pending: int().notNull(),
    processing: int().notNull(),
    success: int().notNull(),
    failed: int().notNull(),
    canceled: int().notNull(),
    durationMs: int('duration_ms').notNull(),
    spentCents: int('spent_cents').notNull(),
    reservedCents: int('reserved_cents').notNull(),
  },
  t => [primaryKey({ columns: [t.month, t.caller] }), index('usage_by_caller').on(t.caller, t.month)],
)

/** Tasks that were accepted together. */
export const batches = pgTable('batches', {
  id: text().primaryKey(),
  caller: text().notNull(),
  size: int().notNull(),
  createdAt: int('created_at').notNull(),
})

/** The files that callers uploaded. */
export const uploads = pgTable(
  'uploads',
  {
    /** The folder of the file in the media store; unguessable. */
    mediaId: text('media_id').primaryKey(),
    name: text().notNull(),
    caller: text().notNull(),
    sizeBytes: int('size_bytes').notNull(),
    sha256: text().notNull(),
    createdAt: int('created_at').notNull(),
    expiresMono: int('expires_mono').notNull(),
    /** False: it has expired, and the row only tells which content the link of a task led to. */
    isKept: boolean('is_kept').notNull(),
  },
  t => [
    index('uploads_by_caller').on(t.caller, t.sizeBytes).where(sql`is_kept = true`),
    index('uploads_by_expiry').on(t.expiresMono).where(sql`is_kept = true`),
    index('uploads_by_content').on(t.sha256),
  ],
)

/** The assets at an upstream that hold the bytes of uploads. Never replaced: submitted tasks name them. */
export const upstreamAssets = pgTable(
  'upstream_assets',
  {
    sha256: text().notNull(),
    upstream: text().notNull(),
    url: text().notNull(),
  },
  t => [primaryKey({ columns: [t.sha256, t.upstream] })],
)

/** The latest calls, beside submits, that count against the upstream's rate limit. */
export const assetCalls = pgTable(
  'asset_calls',
  {
    id: int().primaryKey().generatedByDefaultAsIdentity({ cache: 1 }),
    begunMono: int('begun_mono').notNull(),
    endedMono: int('ended_mono').notNull(),
  },
  t => [index('asset_calls_by_end').on(t.endedMono)],
)

/** The API keys, without their secrets. None is ever deleted: a gateway that once had a key stays closed. */
export const apiKeys = pgTable('api_keys', {
  /** The public part of the key. */
  id: text().primaryKey(),
  /** Several keys may belong to one caller, so that one can replace another without a gap. */
  caller: text().notNull(),
  /** SHA-256 of the secret part, in hex. */
  hash: text().notNull(),
  scopes: jsonb().$type<readonly Scope[]>().notNull(),
  /** The limits that differ from the configured ones. */
  limits: jsonb().$type<Partial<CallerLimits>>().notNull(),
  createdAt: int('created_at').notNull(),
  expiresAt: int('expires_at'),
  revokedAt: int('revoked_at'),
  lastUsedAt: int('last_used_at'),
})

/** The gateway's own secrets, such as the one that signs watch tokens; each is made when it is first needed. */
export const secrets = pgTable('secrets', {
  name: text().primaryKey(),
  value: text().notNull(),
})

/** One row: what the gateway has to know of its own past. */
export const gateway = pgTable('gateway', {
  id: int().primaryKey().default(1),
  /** Identifies the log; replaced when the database is found to have gone back in time. */
  epoch: text().notNull(),
  /** How often the gateway started on this database. */
  starts: int().notNull(),
  /** How many submits began. */
  submits: int().notNull(),
  /** The boot of the machine on which the two readings below were taken. */
  bootId: text('boot_id').notNull(),
  /** The machine's monotonic clock at the last heartbeat. */
  systemMono: int('system_mono').notNull(),
  /** The store's clock at the same moment. */
  mono: int().notNull(),
})
