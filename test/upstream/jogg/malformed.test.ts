import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type SubmitRequest,
  type Upstream,
  UpstreamError,
  type UpstreamJob,
} from '../../../src/tasks/driver/upstream.js'
import { createJoggUpstream } from '../../../src/upstream/jogg/client.js'
import { answers, type Call, type Jogg, type JoggAnswer, startJogg } from '../../support/jogg.js'
import { createManualClock } from '../../support/manual-clock.js'

/** Whatever JoggAI answers, a call ends with what it promises or with an UpstreamError, at once and without the key. */

const KEY = 'sk-secret-5f3a'
const job: SubmitRequest = {
  taskId: 'task-1',
  videoUrl: 'https://cdn.example/v.mp4',
  audioUrl: 'https://cdn.example/a.mp3',
  playbackType: 'normal',
}
const never = new AbortController().signal
let jogg: Jogg
let upstream: Upstream

beforeAll(async () => {
  jogg = await startJogg({ apiKey: KEY })
  // The clock never moves: a call that hangs would hang the test.
  upstream = createJoggUpstream({ apiKey: KEY, baseUrl: jogg.url, timeoutMs: 10_000, clock: createManualClock() })
})
afterAll(async () => {
  await upstream[Symbol.asyncDispose]()
  await jogg[Symbol.asyncDispose]()
})

const http = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  fc.constantFrom(201, 302, 400, 401, 404, 429, 500, 502),
)
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant(`your key is ${KEY}`))
const json = fc.jsonValue({ depthSize: 'small' })
const code = fc.constantFrom(0, 429, 10104, 10105, 17003, 18020, 18025, 40000, 50000, 1, -1)
const status = fc.constantFrom('pending', 'processing', 'success', 'failed', 'archived')

const documented = fc.record({
  code: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, code),
  msg: text,
  data: fc.record({
    task_id: fc.constant('up-1'),
    status,
    created_at: fc.integer(),
    completed_at: fc.option(fc.integer()),
    data: fc.option(
      fc.record({
        result_url: fc.webUrl(),
        cover_url: fc.option(fc.webUrl()),
        duration_seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
      }),
    ),
    error: fc.option(fc.record({ message: text })),
  }),
})

/** A copy of `tree` in which the place that `path` leads to is replaced or, without `by`, gone. */
function mutated(tree: unknown, path: number[], by: { value: unknown } | null): unknown {
  const [step, ...rest] = path
  if (typeof tree !== 'object' || tree === null || step === undefined) return by?.value
  const entries = Object.entries(tree)
  const chosen = step % Math.max(entries.length, 1)
  return Object.fromEntries(
    entries
      .map(([key, value], index) => [key, index === chosen ? mutated(value, rest, by) : value])
      .filter(([, value]) => value !== undefined),
  )
}

const bodies = fc.oneof(
  json,
  fc.uint8Array({ maxLength: 300 }),
  text,
  documented,
  fc
    .tuple(documented, fc.array(fc.nat(6), { maxLength: 4 }), fc.option(fc.record({ value: fc.oneof(json, text) })))
    .map(([answer, path, by]) => mutated(answer, path, by) ?? null),
  fc.tuple(documented, fc.nat(400)).map(([answer, length]) => JSON.stringify(answer).slice(0, length)),
)

const answer: fc.Arbitrary<JoggAnswer> = fc.record({
  http,
  headers: fc.constantFrom<Record<string, string>[]>(
    {},
    { 'retry-after': '5' },
    { 'retry-after': '-1,x' },
    { 'content-type': 'text/html' },
  ),
  body: bodies,
})

function isTime(time: number | null) {
  return time === null || !Number.isNaN(new Date(time).getTime())
}

function expectSighting(seen: UpstreamJob) {
  expect(seen.upstreamId).toBe('up-1')
  expect(isTime(seen.createdAt)).toBe(true)
  if (seen.status === 'success') {
    expect(isTime(seen.completedAt)).toBe(true)
    const { durationMs } = seen.result
    expect(durationMs === null || (Number.isSafeInteger(durationMs) && durationMs >= 0)).toBe(true)
    for (const url of [seen.result.resultUrl, seen.result.coverUrl ?? 'https://none.example'])
      expect(new URL(url).protocol).toMatch(/^https?:$/)
  } else if (seen.status === 'failed') {
    expect(isTime(seen.completedAt)).toBe(true)
    expect(seen.message).toMatch(/^.{1,1000}$/u)
  } else expect(['pending', 'processing']).toContain(seen.status)
  expect(JSON.stringify(seen)).not.toContain(KEY)
}

function expectError(error: unknown, kinds: string[]) {
  if (!(error instanceof UpstreamError)) throw error
  expect(kinds).toContain(error.kind)
  expect(error.message).toMatch(/^.{1,300}$/u)
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(KEY)
  const { retryAfterMs } = error
  expect(retryAfterMs === null || (error.kind === 'rate-limited' && retryAfterMs >= 0)).toBe(true)
}

function holds(call: Call, make: () => Promise<void>, kinds: string[]) {
  return fc.assert(
    fc.asyncProperty(answer, async given => {
      jogg.plays(answers(call, given))
      await make().catch(error => expectError(error, kinds))
    }),
    { numRuns: 300 },
  )
}

test('a submit returns an id or an UpstreamError', async () => {
  const submit = async () => expect(await upstream.submit(job, never)).toMatch(/^[\x21-\x7e]{1,200}$/)
  await holds('submit', submit, ['rejected', 'rate-limited', 'account', 'unclear'])
})

test('a status call returns a job or an UpstreamError', async () => {
  const look = async () => expectSighting(await upstream.getJob('up-1', never))
  await holds('status', look, ['rate-limited', 'account', 'not-found', 'unclear'])
})

test('a look-up returns a job, null or an UpstreamError', async () => {
  const find = async () => {
    const seen = await upstream.findJob?.(job, never)
    if (seen) expectSighting({ ...seen, upstreamId: 'up-1' })
  }
  await holds('find', find, ['rate-limited', 'account', 'unsupported', 'unclear'])
})
