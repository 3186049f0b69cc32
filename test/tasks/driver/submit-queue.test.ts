import { expect, test } from 'vitest'
import { newDatabase } from '../../support/database.js'
import { AUDIO, openTestGateway, startTestGateway, VIDEO } from '../../support/gateway.js'
import { code, rateLimited, startJogg } from '../../support/jogg.js'
import { createManualClock, SLACK_MS } from '../../support/manual-clock.js'
import { expectMoment, history, START } from '../../support/task-calls.js'

const DAY_MS = 24 * 3_600_000

test('accepts a burst at once and submits it in order, never more than the limit in any minute', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 5 } })
  const tasks = []
  for (let i = 0; i < 23; i++) tasks.push(await gw.createLipSync({ videoUrl: `${VIDEO}?${i}` }))
  await gw.clock.advance(30_000)
  expect(gw.jogg.calls('submit')).toHaveLength(5)
  const last = await gw.graphql('query ($id: ID!) { lipSyncTask(id: $id) { queuePosition estimatedStartAt } }', {
    id: tasks[22]?.id,
  })
  expect(last.data.lipSyncTask.queuePosition).toBe(18)
  expectMoment(last.data.lipSyncTask.estimatedStartAt, START + 4 * 60_000)
  await gw.clock.advance(5 * 60_000)
  expect(gw.jogg.calls('submit').map(call => call.inputs?.videoUrl)).toEqual(tasks.map((_, i) => `${VIDEO}?${i}`))
  const times = gw.jogg.calls('submit').map(call => call.at)
  for (let i = 5; i < times.length; i++) expect(times[i]! - times[i - 5]!).toBeGreaterThanOrEqual(60_000)
  expectMoment(times.at(-1), START + 4 * 60_000)
})

test.each([
  ['stays as it is', 0],
  ['is set forward by a day', DAY_MS],
  ['is set back by a day', -DAY_MS],
])('a restart during which the wall clock %s does not forget the submits of the last minute', async (_, stepMs) => {
  const databaseUrl = `file:${await newDatabase()}`
  let open: Awaited<ReturnType<typeof openTestGateway>> | undefined
  const clock = createManualClock(undefined, async () => open?.gateway.settled())
  await using jogg = await startJogg({ now: clock.monotonic })
  const options = { databaseUrl, submits: { perMinute: 5 } }
  open = await openTestGateway(clock, jogg, options)
  for (let i = 0; i < 12; i++) await open.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: AUDIO })
  await clock.advance(10_000)
  await open.gateway[Symbol.asyncDispose]()
  clock.setWall(stepMs)
  open = await openTestGateway(clock, jogg, options)
  await clock.advance(49_999 - SLACK_MS)
  expect(jogg.calls('submit')).toHaveLength(5)
  await clock.advance(1 + 2 * SLACK_MS)
  expect(jogg.calls('submit')).toHaveLength(10)
  await open.gateway[Symbol.asyncDispose]()
  open = await openTestGateway(clock, jogg, options)
  await clock.advance(60_000 + SLACK_MS)
  expect(jogg.calls('submit').map(call => call.inputs.videoUrl)).toEqual(
    Array.from({ length: 12 }, (_, i) => `${VIDEO}?${i}`),
  )
  const times = jogg.calls('submit').map(call => call.at)
  for (let i = 5; i < times.length; i++) expect(times[i]! - times[i - 5]!).toBeGreaterThanOrEqual(60_000)
  await open.gateway[Symbol.asyncDispose]()
})

test.each([
  [rateLimited('submit', 7), 7_000],
  [rateLimited('submit'), 60_000],
])('429 pauses the queue for as long as it says, or for a minute, and loses no task', async (play, held) => {
  await using gw = await startTestGateway()
  gw.jogg.plays(play)
  const first = await gw.createLipSync()
  await gw.createLipSync({ videoUrl: `${VIDEO}?2` })
  await gw.clock.advance(held - 1 - SLACK_MS)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  await gw.clock.advance(1 + 2 * SLACK_MS)
  expect(gw.jogg.calls('submit').map(call => call.inputs?.videoUrl)).toEqual([VIDEO, VIDEO, `${VIDEO}?2`])
  expect((await history(gw, first.id)).map(step => step.stage)).toEqual([
    'QUEUED',
    'SUBMITTING',
    'QUEUED',
    'SUBMITTING',
    'SUBMITTED',
  ])
})

test('the status shows why the queue is paused', async () => {
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
      oldestQueuedAt: expect.any(String),
    },
    activeTasks: 0,
    lastCheckedAt: null,
  })
  expectMoment(data.gateway.submitQueue.oldestQueuedAt, START)
  await gw.clock.advance(60_000 + 3_000 + SLACK_MS)
  const later = await gw.graphql(query)
  expect(later.data.gateway).toMatchObject({
    submitQueue: { state: 'OPEN', reason: null, length: 0 },
    activeTasks: 1,
  })
  expectMoment(later.data.gateway.lastCheckedAt, START + 63_000)
})

test('a paused queue opens again when nothing is left to submit', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 10105, 'invalid key'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  await gw.gateway.tasks.cancel(task.id)
  await gw.clock.advance(60_000)
  const { data } = await gw.graphql('{ gateway { submitQueue { state } } }')
  expect(data.gateway.submitQueue).toEqual({ state: 'OPEN' })
})

test('does not call an upstream immediately that names no delay', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(rateLimited('submit', 0), rateLimited('submit', 0), rateLimited('status', 0), rateLimited('status', 0))
  await gw.createLipSync()
  await gw.clock.advance(1_000)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  await gw.clock.advance(60_000)
  const times = [...gw.jogg.calls('submit'), ...gw.jogg.calls('status')].map(call => call.at)
  expect(new Set(times).size).toBe(times.length)
})

test('a task that waited too long expires', async () => {
  await using gw = await startTestGateway({ submits: { maxQueueHours: 1 } })
  for (let i = 0; i < 100; i++) gw.jogg.plays(code('submit', 18025, 'no permission'))
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000 - 1 - SLACK_MS)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'QUEUED' })
  await gw.clock.advance(1 + 2 * SLACK_MS)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'EXPIRED' } })
})
