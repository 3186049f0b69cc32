import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { createStatusPoller } from '../../../src/tasks/driver/status-poller.js'
import { pollAt } from '../../../src/tasks/poll-state.js'
import { createTransitions } from '../../../src/tasks/transitions.js'
import { createJoggUpstream } from '../../../src/upstream/jogg/client.js'
import { openTestStore } from '../../support/database.js'
import { startTestDriver } from '../../support/driver.js'
import { accepted, answers, hangs, notOffered, resets, success } from '../../support/jogg.js'
import { createManualClock, SLACK_MS } from '../../support/manual-clock.js'
import { queue } from '../../support/store-contract.js'

const VIDEO = 'https://media.example/'
const malformed = { body: { code: 0, msg: '', data: { task_id: 'odd', status: 'archived' } } }

test('a check that hangs does not delay the others', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(hangs('status'))
  for (let i = 0; i < 12; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(4_000)
  // Answered in real time, while the clock stands still and the first check hangs.
  await t.jogg.received('status', 12)
  const asked = new Set(t.jogg.calls('status').map(call => call.taskId))
  expect(asked.size).toBe(12)
})

test('an error between two absences does not count as an absence', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(resets('submit', { accepting: true }))
  const task = await t.create()
  await t.clock.advance(0)
  const [paid] = t.jogg.jobs.accepted()
  t.jogg.plays(...Array.from({ length: 200 }, () => resets('find')))
  await t.clock.advance(10 * 60_000)
  expect(await t.stage(task.id)).toBe('unknown')
  expect(paid && t.jogg.jobs.accepted()).toHaveLength(1)
})

test('an answer between absences resets their count', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(accepted('up'))
  const absent = () => answers('status', { body: { code: 10104, msg: 'Record not found', data: null } })
  const task = await t.create()
  for (let round = 0; round < 3; round++) {
    t.jogg.plays(...Array.from({ length: 9 }, absent), {
      on: 'status',
      play: scene => scene.send(scene.honest()),
    })
    await t.clock.advance(8 * 60_000)
  }
  expect(await t.stage(task.id)).toBe('submitted')
})

test('a job stamped in whole seconds is adopted', async () => {
  await using t = await startTestDriver({ start: Date.UTC(2025, 0, 1) + 900 })
  // An earlier response carries the time of JoggAI's clock.
  await t.upstream.findJob?.(
    { taskId: 'x', videoUrl: 'a', audioUrl: 'b', playbackType: 'normal' },
    new AbortController().signal,
  )
  t.jogg.plays(resets('submit', { accepting: true }))
  const task = await t.create()
  await t.clock.advance(60_000)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(t.jogg.jobs.accepted()).toHaveLength(1)
})

test('shows unusable answers as the problem of the task, until one is usable', async () => {
  await using t = await startTestDriver()
  const refreshed: string[] = []
  t.jogg.plays(accepted('odd'), ...Array.from({ length: 4 }, () => answers('status', malformed)))
  const task = await t.create()
  t.notifier.onRefresh(task.id, () => void refreshed.push(task.id))
  await t.clock.advance(15_000 + SLACK_MS)
  expect((await t.live(task.id))?.problem).toContain('unknown status "archived"')
  expect(refreshed).toHaveLength(1)
  t.jogg.plays(success())
  await t.clock.advance(120_000)
  expect(await t.stage(task.id)).toBe('success')
})

test('a stall of a task whose answer was lost is logged and pushed', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(resets('submit'), ...Array.from({ length: 100 }, () => notOffered('find')))
  const task = await t.create()
  let refreshes = 0
  t.notifier.onRefresh(task.id, () => void refreshes++)
  await t.clock.advance(29 * 60_000)
  const before = refreshes
  await t.clock.advance(60_000 + SLACK_MS)
  expect(refreshes).toBe(before + 1)
  expect((await t.live(task.id))?.stalledSince).not.toBeNull()
  const stalls = t.lines.filter(line => String(line.msg).startsWith('task has stalled'))
  expect(stalls).toEqual([expect.objectContaining({ taskId: task.id, stage: 'unknown', level: 40 })])
})

test('live states of a hundred tasks take a handful of queries', async () => {
  const questions: string[] = []
  await using t = await startTestDriver({
    submitsPerMinute: 20,
    wrapStore: store =>
      new Proxy(store, {
        get(target, name, receiver) {
          questions.push(String(name))
          return Reflect.get(target, name, receiver)
        },
      }),
  })
  for (let i = 0; i < 100; i++) await t.create({ videoUrl: `${VIDEO}${i}`, caller: `caller ${i % 3}` })
  await t.clock.advance(5_000)
  const tasks = await t.store.page({ limit: 100 })
  questions.length = 0
  const states = await t.driver.liveStates(tasks)
  expect(questions.sort()).toEqual(['callerQueues', 'getMany', 'pollStates', 'queuedBefore', 'recentSubmits'])
  const positions = [...states.values()].flatMap(state => state.queuePosition ?? []).sort((a, b) => a - b)
  expect(positions).toEqual(Array.from({ length: 80 }, (_, i) => i + 1))
})

test('a submit that is still under way is not judged, however long it takes', async () => {
  const clock = createManualClock()
  await using opened = await openTestStore(':memory:', clock)
  const store = opened.tasks
  const notifier = createChangeNotifier()
  const log = pino({ level: 'silent' })
  const transitions = createTransitions({ store, notifier, clock, log })
  const upstream = createJoggUpstream({ apiKey: 'key', baseUrl: 'http://127.0.0.1:9', timeoutMs: 10_000, clock })
  let underWay: string | null = null
  const poller = createStatusPoller({
    ...{ store, upstream, transitions, notifier, clock, log, timeoutMs: 10_000, concurrency: 8 },
    submitter: { isUnderWay: id => id === underWay, checkAnswered: async () => false },
    onSubmitsResumed() {},
    random: () => 0.5,
    intervals: { firstMs: 3_000, minMs: 5_000, maxMs: 10_000 },
    stallAfterMs: 30 * 60_000,
    cut: new AbortController().signal,
  })
  const attempt = {
    attemptedAt: clock.now(),
    attemptedMono: clock.monotonic(),
    attemptedUpstreamAt: null,
    sentVideoUrl: null,
    sentAudioUrl: null,
  }
  const task = await transitions.move(await queue(store), 'submitting', attempt, { poll: pollAt(clock.monotonic()) })
  if (!task) throw new Error('the task has moved')
  underWay = task.id
  const never = new AbortController().signal
  const nextAt = await poller.round(never)
  expect(await store.get(task.id)).toMatchObject({ stage: 'submitting' })
  expect(nextAt).toBeGreaterThan(clock.monotonic())

  underWay = null
  await clock.advance(60_000)
  await poller.round(never)
  expect(await store.get(task.id)).toMatchObject({ stage: 'unknown' })
  await upstream[Symbol.asyncDispose]()
})
