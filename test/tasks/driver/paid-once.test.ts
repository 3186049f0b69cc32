import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AUDIO, openTestGateway, startTestGateway, VIDEO } from '../../support/gateway.js'
import {
  accepted,
  code,
  hangs,
  notOffered,
  rateLimited,
  resets,
  startJogg,
  success,
  vanished,
} from '../../support/jogg.js'
import { createManualClock } from '../../support/manual-clock.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

const START = Date.UTC(2025, 0, 1)
const history = async (gw: TestGateway, id: string): Promise<{ stage: string; reason: string | null }[]> => {
  const { data } = await gw.graphql('query ($id: ID!) { lipSyncTask(id: $id) { history { stage reason } } }', { id })
  return data.lipSyncTask.history
}
const act = async (gw: TestGateway, call: string) => {
  const { data, errors } = await gw.graphql(
    `mutation { it: ${call} { errors { code stage } task { id stage status retryOf { id } failure { code } } } }`,
  )
  return errors?.[0]?.extensions ?? data.it.errors[0] ?? data.it.task
}
const submitTimes = (gw: TestGateway) => gw.jogg.calls('submit').map(call => call.at - START)

test('two hundred simultaneous creates with one key make one task, whatever became of it', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 40000, 'video_url is broken'))
  const made = await Promise.all(Array.from({ length: 200 }, () => gw.createLipSync({ idempotencyKey: 'order 7' })))
  expect(new Set(made.map(task => task.id)).size).toBe(1)
  await gw.clock.advance(0)
  const again = await gw.createLipSync({ idempotencyKey: 'order 7' })
  expect(again).toMatchObject({
    id: made[0]?.id,
    stage: 'FAILED',
    failure: { code: 'UPSTREAM_REJECTED', message: 'video_url is broken' },
  })
  expect(gw.jogg.calls('submit')).toHaveLength(1)
})

test.each([
  ['videoUrl', { videoUrl: 'https://media.example/other.mp4' }],
  ['audioUrl', { audioUrl: 'https://media.example/other.mp3' }],
  ['playbackType', { playbackType: 'NORMAL_REVERSE' }],
  ['reference', { reference: 'other' }],
])('the same key with another %s is refused and says so', async (field, other) => {
  await using gw = await startTestGateway()
  await gw.createLipSync({ idempotencyKey: 'k' })
  const { data } = await gw.create({ idempotencyKey: 'k', ...other })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'IDEMPOTENCY_MISMATCH', path: ['input', field] }])
})

test.each(['', 'x'.repeat(129), 'a\nb', '\u0000'])('a key that is none is refused: %j', async idempotencyKey => {
  await using gw = await startTestGateway()
  const { data } = await gw.create({ idempotencyKey })
  expect(data.createLipSync.errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['input', 'idempotencyKey'] }])
})

test('a burst is accepted at once, leaves in order, and never more than the limit in any minute', async () => {
  await using gw = await startTestGateway({ submitsPerMinute: 5 })
  const tasks = []
  for (let i = 0; i < 23; i++) tasks.push(await gw.createLipSync({ videoUrl: `${VIDEO}?${i}` }))
  await gw.clock.advance(30_000)
  expect(gw.jogg.calls('submit')).toHaveLength(5)
  const last = await gw.graphql('query ($id: ID!) { lipSyncTask(id: $id) { queuePosition estimatedStartAt } }', {
    id: tasks[22]?.id,
  })
  expect(last.data.lipSyncTask).toEqual({
    queuePosition: 18,
    estimatedStartAt: new Date(START + 4 * 60_000).toISOString(),
  })
  await gw.clock.advance(5 * 60_000)
  expect(gw.jogg.calls('submit').map(call => call.inputs?.videoUrl)).toEqual(tasks.map((_, i) => `${VIDEO}?${i}`))
  const times = submitTimes(gw)
  for (let i = 5; i < times.length; i++) expect(times[i]! - times[i - 5]!).toBeGreaterThanOrEqual(60_000)
  expect(times.at(-1)).toBe(4 * 60_000)
})

test('a restart does not open the minute again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paid-once-'))
  const databaseUrl = `file:${join(folder, 'gateway.db')}`
  let open: Awaited<ReturnType<typeof openTestGateway>> | undefined
  const clock = createManualClock(undefined, async () => open?.gateway.settled())
  await using jogg = await startJogg({ now: clock.now })
  const options = { databaseUrl, submitsPerMinute: 5 }
  open = await openTestGateway(clock, jogg, options)
  for (let i = 0; i < 7; i++) await open.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: AUDIO })
  await clock.advance(10_000)
  await open.gateway[Symbol.asyncDispose]()
  open = await openTestGateway(clock, jogg, options)
  await clock.advance(49_999)
  expect(jogg.calls('submit')).toHaveLength(5)
  await clock.advance(1)
  expect(jogg.calls('submit')).toHaveLength(7)
  await open.gateway[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test.each([
  [rateLimited('submit', 7), 7_000],
  [rateLimited('submit'), 60_000],
])('429 holds the lane for as long as it says, else for a minute, and loses nothing', async (play, held) => {
  await using gw = await startTestGateway()
  gw.jogg.plays(play)
  const first = await gw.createLipSync()
  await gw.createLipSync({ videoUrl: `${VIDEO}?2` })
  await gw.clock.advance(held - 1)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  await gw.clock.advance(1)
  expect(gw.jogg.calls('submit').map(call => call.inputs?.videoUrl)).toEqual([VIDEO, VIDEO, `${VIDEO}?2`])
  expect((await history(gw, first.id)).map(step => step.stage)).toEqual([
    'QUEUED',
    'SUBMITTING',
    'QUEUED',
    'SUBMITTING',
    'SUBMITTED',
  ])
})

test('the status tells what holds the lane', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 10105, 'invalid key'))
  await gw.createLipSync()
  await gw.clock.advance(0)
  const query = '{ gateway { upstream submitQueue { state reason length oldestQueuedAt } activeTasks lastCheckedAt } }'
  const { data } = await gw.graphql(query)
  expect(data.gateway).toEqual({
    upstream: 'jogg',
    submitQueue: {
      state: 'PAUSED',
      reason: expect.stringContaining('invalid key'),
      length: 1,
      oldestQueuedAt: new Date(START).toISOString(),
    },
    activeTasks: 0,
    lastCheckedAt: null,
  })
  await gw.clock.advance(60_000 + 3_000)
  const later = await gw.graphql(query)
  expect(later.data.gateway).toMatchObject({
    submitQueue: { state: 'OPEN', reason: null, length: 0 },
    activeTasks: 1,
    lastCheckedAt: new Date(START + 63_000).toISOString(),
  })
})

test('a lost submit that never arrived goes back to the queue when it can be under way no more, after two looks', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(resets('submit'))
  const task = await gw.createLipSync()
  await gw.clock.advance(3_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN' })
  await gw.clock.advance(27_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN' })
  await gw.clock.advance(5_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted()).toHaveLength(1)
  expect((await history(gw, task.id)).map(step => [step.stage, step.reason])).toEqual([
    ['QUEUED', null],
    ['SUBMITTING', null],
    ['UNKNOWN', expect.stringContaining('submit')],
    ['QUEUED', 'surely not accepted: the upstream has no job with its inputs'],
    ['SUBMITTING', null],
    ['SUBMITTED', null],
  ])
})

test('a submit that timed out and was accepted is found, and the second with the same inputs waits for that', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(hangs('submit', { accepting: true }))
  const first = await gw.createLipSync()
  await gw.jogg.received('submit')
  const second = await gw.createLipSync()
  await gw.clock.advance(10_000)
  expect(await gw.task(first.id)).toMatchObject({ stage: 'UNKNOWN' })
  expect(await gw.task(second.id)).toMatchObject({ stage: 'QUEUED' })
  await gw.clock.advance(10_000)
  expect(await gw.task(first.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(await gw.task(second.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted()).toHaveLength(2)
  const reasons = (await history(gw, first.id)).map(step => step.reason)
  expect(reasons).toContain('submit timed out after 10 s')
  expect(reasons).toContain('found upstream by its inputs')
})

test('an older job with the same inputs is not adopted', async () => {
  await using gw = await startTestGateway()
  gw.jogg.jobs.accept({ videoUrl: VIDEO, audioUrl: AUDIO, playbackType: 'normal' }, 'somebody-elses')
  await gw.clock.advance(3_600_000)
  gw.jogg.plays(resets('submit'), accepted('ours'))
  const task = await gw.createLipSync()
  await gw.clock.advance(40_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted().map(job => job.taskId)).toEqual(['somebody-elses', 'ours'])
})

test('without a look-up the task stays unknown, and a person decides', async () => {
  await using gw = await startTestGateway()
  const many = Array.from({ length: 200 }, () => notOffered('find'))
  gw.jogg.plays(resets('submit'), ...many)
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN', status: 'PENDING' })
  expect(gw.jogg.calls('find').length).toBeLessThan(100)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  expect(await act(gw, `resolveLipSync(input: { id: "${task.id}", action: RESUBMIT })`)).toMatchObject({
    stage: 'QUEUED',
  })
  await gw.clock.advance(0)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(await act(gw, `resolveLipSync(input: { id: "${task.id}", action: FAIL })`)).toEqual({
    code: 'INVALID_STATE',
    stage: 'SUBMITTED',
  })
})

test('a person can give up a submit without answer', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(resets('submit'), notOffered('find'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  expect(await act(gw, `resolveLipSync(input: { id: "${task.id}", action: FAIL })`)).toMatchObject({
    stage: 'FAILED',
    failure: { code: 'SUBMIT_UNRESOLVED' },
  })
})

test('a clock that is not ours does not make our own job look old', async () => {
  const clock = createManualClock(undefined, async () => open?.gateway.settled())
  await using jogg = await startJogg({ now: () => clock.now() - 3_600_000 })
  jogg.plays(resets('submit', { accepting: true }))
  let open: Awaited<ReturnType<typeof openTestGateway>> | undefined
  open = await openTestGateway(clock, jogg, {})
  const task = await open.gateway.tasks.create({ videoUrl: VIDEO, audioUrl: AUDIO })
  await clock.advance(60_000)
  expect(await open.gateway.tasks.get(task.id)).toMatchObject({ stage: 'submitted' })
  expect(jogg.jobs.accepted()).toHaveLength(1)
  await open.gateway[Symbol.asyncDispose]()
})

test('a lane that was held opens again when nothing is left to send', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 10105, 'invalid key'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  await act(gw, `cancelLipSync(input: { id: "${task.id}" })`)
  await gw.clock.advance(60_000)
  const { data } = await gw.graphql('{ gateway { submitQueue { state } } }')
  expect(data.gateway.submitQueue).toEqual({ state: 'OPEN' })
})

test('an upstream that says to come back at once is not asked at once', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(rateLimited('submit', 0), rateLimited('submit', 0), rateLimited('status', 0), rateLimited('status', 0))
  await gw.createLipSync()
  await gw.clock.advance(1_000)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  await gw.clock.advance(60_000)
  const times = [...gw.jogg.calls('submit'), ...gw.jogg.calls('status')].map(call => call.at)
  expect(new Set(times).size).toBe(times.length)
})

test('what waits for a lost answer is sent no later than what never left may wait', async () => {
  await using gw = await startTestGateway({ maxQueueHours: 1 })
  gw.jogg.plays(resets('submit'), ...Array.from({ length: 150 }, () => notOffered('find')))
  const task = await gw.createLipSync()
  await gw.clock.advance(3 * 3_600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'EXPIRED' } })
  expect(gw.jogg.jobs.accepted()).toEqual([])
})

test('a step of the past shows no stall that never was', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('up'), success())
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000)
  const query = `subscription { taskUpdated(id: "${task.id}", after: "0") { task { stalledSince } } }`
  const results = gw.client().iterate<{ taskUpdated: { task: { stalledSince: string | null } } }>({ query })
  for await (const { data } of results) expect(data?.taskUpdated.task.stalledSince).toBeNull()
})

test('a queued task is canceled at no cost, one that was sent is not', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 18020, 'insufficient credit'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  const canceled = { id: task.id, stage: 'CANCELED', status: 'CANCELED', retryOf: null, failure: { code: 'CANCELED' } }
  expect(await act(gw, `cancelLipSync(input: { id: "${task.id}" })`)).toEqual(canceled)
  expect(await act(gw, `cancelLipSync(input: { id: "${task.id}" })`)).toEqual(canceled)
  await gw.clock.advance(120_000)
  expect(gw.jogg.jobs.accepted()).toEqual([])
  const sent = await gw.createLipSync()
  await gw.clock.advance(0)
  expect(await act(gw, `cancelLipSync(input: { id: "${sent.id}" })`)).toEqual({
    code: 'INVALID_STATE',
    stage: 'SUBMITTED',
  })
  expect(await act(gw, 'cancelLipSync(input: { id: "none" })')).toEqual({ code: 'NOT_FOUND', stage: null })
})

test('a failed task is made again once, however often that is asked for', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 40000, 'no'))
  const task = await gw.createLipSync({ reference: 'r' })
  await gw.clock.advance(0)
  const retried = await act(gw, `retryLipSync(input: { id: "${task.id}" })`)
  expect(retried).toMatchObject({ stage: 'QUEUED', retryOf: { id: task.id } })
  expect(retried.id).not.toBe(task.id)
  await gw.clock.advance(0)
  expect(await act(gw, `retryLipSync(input: { id: "${task.id}" })`)).toMatchObject({
    id: retried.id,
    stage: 'SUBMITTED',
  })
  expect(await act(gw, `retryLipSync(input: { id: "${retried.id}" })`)).toEqual({
    code: 'INVALID_STATE',
    stage: 'SUBMITTED',
  })
})

test('a job that the upstream forgot is looked for a while, then failed', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(vanished())
  const task = await gw.createLipSync()
  await gw.clock.advance(180_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  await gw.clock.advance(600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'UPSTREAM_LOST_TASK' } })
})

test('a task without an end shows that, is looked at slowly, and a late success still comes', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('late'))
  const task = await gw.createLipSync()
  const stalledSince = async () =>
    (await gw.graphql(`{ lipSyncTask(id: "${task.id}") { stalledSince } }`)).data.lipSyncTask.stalledSince
  await gw.clock.advance(30 * 60_000 - 1)
  expect(await stalledSince()).toBeNull()
  const seen = gw.watch(task.id)
  expect(await seen.next()).toMatchObject({ stage: 'SUBMITTED' })
  await gw.clock.advance(1)
  expect(await stalledSince()).toBe(new Date(START + 30 * 60_000).toISOString())
  expect(await seen.next()).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.lines).toContainEqual(expect.objectContaining({ level: 40, taskId: task.id, upstreamId: 'late' }))
  const looks = gw.jogg.calls('status').length
  await gw.clock.advance(60 * 60_000)
  expect(gw.jogg.calls('status').length - looks).toBeLessThanOrEqual(61)
  gw.jogg.finish('late')
  await gw.clock.advance(60_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUCCESS' })
})

test('what waited too long is not sent any more', async () => {
  await using gw = await startTestGateway({ maxQueueHours: 1 })
  for (let i = 0; i < 100; i++) gw.jogg.plays(code('submit', 18025, 'no permission'))
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000 - 1)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'QUEUED' })
  await gw.clock.advance(1)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'EXPIRED' } })
})

test('who watches a queued task hears of its place, not too often', async () => {
  await using gw = await startTestGateway({ submitsPerMinute: 1 })
  for (let i = 0; i < 3; i++) await gw.createLipSync({ videoUrl: `${VIDEO}?${i}` })
  const task = await gw.createLipSync()
  await gw.clock.advance(1_000)
  const places: number[] = []
  const query = `subscription { taskUpdated(id: "${task.id}") { stage queuePosition } }`
  const results = gw.client().iterate<{ taskUpdated: { stage: string; queuePosition: number | null } }>({ query })
  const next = async () => (await results.next()).value.data.taskUpdated
  expect(await next()).toEqual({ stage: 'QUEUED', queuePosition: 3 })
  for (let minute = 0; minute < 2; minute++) {
    await gw.clock.advance(66_000)
    places.push((await next()).queuePosition)
  }
  expect(places).toEqual([2, 1])
  await gw.clock.advance(66_000)
  expect(await next()).toEqual({ stage: 'SUBMITTING', queuePosition: null })
})
