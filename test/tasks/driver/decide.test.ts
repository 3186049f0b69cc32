import { describe, expect, test } from 'vitest'
import { type Answer, type DecisionContext, decide, UNSUPPORTED } from '../../../src/tasks/driver/decide.js'
import { UpstreamError, type UpstreamJob } from '../../../src/tasks/driver/upstream.js'
import { NOT_POLLED, type PollState, pollAt } from '../../../src/tasks/poll-state.js'
import type { Task, TaskIn } from '../../../src/tasks/task.js'

const WALL = Date.UTC(2025, 0, 1)
const MINUTE = 60_000
/** The attempt was at 1,000,000; now is a minute later, when nothing of it can be under way. */
const ATTEMPT = 1_000_000
const NOW = ATTEMPT + MINUTE

const base = {
  id: 'task',
  caller: 'alice',
  videoUrl: 'https://media.example/v.mp4',
  audioUrl: 'https://media.example/a.mp3',
  playbackType: 'normal',
  reference: null,
  idempotencyKey: null,
  retryOf: null,
  platform: null,
  videoSha256: null,
  batchId: null,
  audioSha256: null,
  reservedCents: 48,
  createdAt: WALL,
  lookupFirst: false,
  seq: 3,
} as const
const unknown: TaskIn<'unknown'> = {
  ...base,
  stage: 'unknown',
  queuedAt: WALL,
  queuedMono: ATTEMPT,
  attemptedAt: WALL,
  attemptedMono: ATTEMPT,
  attemptedUpstreamAt: WALL,
  sentVideoUrl: null,
  sentAudioUrl: null,
}
const submitted: TaskIn<'submitted'> = {
  ...base,
  stage: 'submitted',
  upstreamId: 'up',
  submittedAt: WALL,
  submittedMono: ATTEMPT,
}
const processing: TaskIn<'processing'> = { ...submitted, stage: 'processing', startedAt: WALL }

const context: DecisionContext = {
  askedAt: NOW,
  now: NOW,
  wallNow: WALL + MINUTE,
  upstreamNow: WALL + MINUTE,
  startedAt: 0,
  isOwned: false,
  timeoutMs: 10_000,
  stallAfterMs: 30 * MINUTE,
  intervals: { firstMs: 3_000, minMs: 5_000, maxMs: 10_000 },
  random: () => 0.5,
  priceOf: durationMs => Math.ceil(durationMs / 1_250),
}
const poll = pollAt(NOW)
function job(createdAt: number | null): UpstreamJob {
  return { upstreamId: 'up', createdAt, status: 'pending' }
}
const result = { resultUrl: 'https://r.example/1.mp4', coverUrl: null, animation: null, animatedShare: null }
function done(durationMs: number | null): UpstreamJob {
  return {
    ...job(null),
    status: 'success',
    completedAt: null,
    result: { ...result, durationMs },
  }
}
function error(kind: UpstreamError['kind'], options = {}) {
  return new UpstreamError(kind, 'out of order', options)
}

type Row = [
  what: string,
  task: Task,
  answer: Answer,
  expected: object,
  context?: Partial<DecisionContext>,
  poll?: PollState,
]
const rows: Row[] = [
  ['found', unknown, job(WALL), { to: 'submitted', fields: { upstreamId: 'up' } }],
  ['found without a creation time', unknown, job(null), { to: 'submitted' }],
  ['found, stamped in whole seconds', unknown, job(WALL - 999), { to: 'submitted' }],
  ['found, a minute older by another server', unknown, job(WALL - MINUTE), { to: 'submitted' }],
  ['found, older: absent once', unknown, job(WALL - MINUTE - 1), { poll: { absences: 1, problem: null } }],
  ['found, owned: absent once', unknown, job(WALL), { poll: { absences: 1 } }, { isOwned: true }],
  [
    'found, older than the attempt by the elapsed time',
    { ...unknown, attemptedUpstreamAt: null },
    job(WALL - 2 * MINUTE),
    { poll: { absences: 1 } },
  ],
  [
    'found, our own by the elapsed time though the wall clock jumped',
    { ...unknown, attemptedUpstreamAt: null, attemptedAt: WALL + 600_000 },
    job(WALL),
    { to: 'submitted' },
  ],
  [
    'found, seems older, without a clock to tell',
    { ...unknown, attemptedUpstreamAt: null },
    job(WALL - 2 * MINUTE),
    { poll: { absences: 0, problem: expect.stringContaining('seems older') } },
    { upstreamNow: null },
    { ...poll, absences: 1 },
  ],
  [
    'found, seems older, attempted by an earlier process',
    { ...unknown, attemptedUpstreamAt: null },
    job(WALL - 2 * MINUTE),
    { poll: { absences: 0, problem: expect.stringContaining('seems older') } },
    { startedAt: ATTEMPT + 1 },
  ],
  ['absent once', unknown, null, { poll: { absences: 1 } }],
  ['absent twice', unknown, null, { to: 'queued' }, {}, { ...poll, absences: 1 }],
  ['absent by an error', unknown, error('not-found'), { to: 'queued' }, {}, { ...poll, absences: 1 }],
  [
    'absent while the submit may be under way',
    unknown,
    null,
    { poll: { absences: 0, dueMono: ATTEMPT + 30_000 } },
    { askedAt: ATTEMPT + 29_999, now: ATTEMPT + 29_999 },
    { ...poll, absences: 1 },
  ],
  [
    'absent too soon after the start of this process',
    unknown,
    null,
    { poll: { absences: 0, dueMono: NOW + 1 } },
    { startedAt: NOW - 29_999 },
    { ...poll, absences: 1 },
  ],
  [
    'an error is no absence',
    unknown,
    error('unclear'),
    { poll: { absences: 1, failures: 1 } },
    {},
    { ...poll, absences: 1 },
  ],
  ['no look-up', unknown, UNSUPPORTED, { poll: { dueMono: ATTEMPT + 30 * MINUTE, problem: expect.any(String) } }],
  [
    'no look-up, stalled',
    unknown,
    UNSUPPORTED,
    { poll: { dueMono: null, problem: expect.any(String) } },
    { now: ATTEMPT + 30 * MINUTE },
  ],
  ['a look-up that is not offered', unknown, error('unsupported'), { poll: { problem: 'out of order' } }],
  [
    'restored: owned by another task',
    { ...unknown, lookupFirst: true },
    job(WALL),
    { poll: { absences: 0, problem: expect.stringContaining('another task') } },
    { isOwned: true },
    { ...poll, absences: 1 },
  ],
  [
    'restored: absent while the submit after the look-up may be under way',
    { ...unknown, lookupFirst: true },
    null,
    { poll: { absences: 0, dueMono: ATTEMPT + 40_000 } },
    { askedAt: ATTEMPT + 39_999, now: ATTEMPT + 39_999 },
    { ...poll, absences: 1 },
  ],
  ['restored: made before this attempt', { ...unknown, lookupFirst: true }, job(WALL - 3_600_000), { to: 'submitted' }],
  ['pending', submitted, job(null), { poll: { checks: 1, absences: 0, failures: 0 } }, {}, { ...poll, absences: 9 }],
  ['begun', submitted, { ...job(null), status: 'processing' }, { to: 'processing', poll: { checks: 1 } }],
  ['at work', processing, { ...job(null), status: 'processing' }, { poll: { checks: 1 } }],
  ['done', processing, done(12_500), { to: 'success', fields: { costCents: 10, completedAt: WALL + MINUTE } }],
  ['done, of unknown length', submitted, done(null), { to: 'success', fields: { costCents: 48 } }],
  [
    'failed upstream',
    submitted,
    { ...job(null), status: 'failed', completedAt: 5, message: 'no face' },
    { to: 'failed', fields: { completedAt: 5, failure: { code: 'UPSTREAM_FAILED', message: 'no face' } } },
  ],
  [
    'failed upstream, with a signed link in the reason',
    processing,
    { ...job(null), status: 'failed', completedAt: 5, message: 'no face in https://m.example/v.mp4?sig=secret' },
    { to: 'failed', fields: { failure: { message: 'no face in https://m.example/v.mp4?…' } } },
  ],
  ['not found', submitted, error('not-found'), { poll: { absences: 9 } }, {}, { ...poll, absences: 8 }],
  [
    'not found ten times',
    submitted,
    error('not-found'),
    { to: 'failed', fields: { failure: { code: 'UPSTREAM_LOST_TASK' } } },
    {},
    { ...poll, absences: 9 },
  ],
  ['an error', submitted, error('unclear'), { poll: { failures: 1, problem: null } }],
  [
    'a third error',
    submitted,
    error('unclear'),
    { poll: { failures: 3, problem: 'out of order' } },
    {},
    { ...poll, failures: 2 },
  ],
  [
    'an answer after errors',
    submitted,
    job(null),
    { poll: { problem: null } },
    {},
    { ...poll, failures: 9, problem: 'x' },
  ],
  [
    'a wait of hours',
    submitted,
    error('rate-limited', { retryAfterMs: 36_000_000 }),
    { poll: { dueMono: NOW + 5 * MINUTE } },
  ],
  [
    'just before the stall',
    submitted,
    job(null),
    { poll: { dueMono: ATTEMPT + 30 * MINUTE } },
    { now: ATTEMPT + 30 * MINUTE - 1_000 },
  ],
  ['stalled', submitted, job(null), { poll: { dueMono: ATTEMPT + 31 * MINUTE } }, { now: ATTEMPT + 30 * MINUTE }],
  ['still submitting', { ...unknown, stage: 'submitting' }, UNSUPPORTED, { to: 'unknown' }],
  ['queued', { ...base, stage: 'queued', queuedAt: WALL, queuedMono: 0 }, UNSUPPORTED, { poll: NOT_POLLED }],
]

describe('a status check decides', () => {
  test.each(rows.map(([what, ...row]) => ({ what, row })))('$what', ({ row }) => {
    const [task, answer, expected, changes, state = poll] = row
    expect(decide(task, state, answer, { ...context, ...changes })).toMatchObject(expected)
  })
})
