import { expect, test } from 'vitest'
import { WINDOW_MS } from '../../../src/tasks/driver/sliding-window.js'
import { startTestDriver } from '../../support/driver.js'
import { type Play, resets } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'

/** The promises under a wall clock that is set forward or back by up to a day. */
const STEPS = [-24 * 3_600_000, -600_000, -90_000, -30_000, 30_000, 600_000, 24 * 3_600_000]
const VIDEO = 'https://media.example/'

/** A submit that arrives, and whose answer is sent when the test releases it. */
function heldSubmit(): Play {
  return {
    on: 'submit',
    play: async scene => {
      const answer = scene.honest('held')
      await scene.held()
      scene.send(answer)
    },
  }
}

test.each(STEPS)('a found job is adopted after the wall clock was set by %i ms during the submit', async step => {
  await using t = await startTestDriver()
  t.jogg.plays(resets('submit', { accepting: true }))
  const task = await t.create()
  await t.clock.advance(0)
  t.clock.setWall(step)
  await t.clock.advance(120_000)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(t.jogg.jobs.accepted()).toHaveLength(1)
})

test.each(STEPS)('a submit under way is not resolved when the wall clock is set by %i ms', async step => {
  await using t = await startTestDriver()
  t.jogg.plays(heldSubmit())
  const task = await t.create()
  await t.jogg.holding()
  t.clock.setWall(step)
  await t.clock.advance(7_000)
  expect(await t.stage(task.id)).toBe('submitting')
  t.jogg.release()
  await t.clock.advance(1_000)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(t.jogg.jobs.accepted()).toHaveLength(1)
})

test.each(STEPS)('the queue and the checks continue after the wall clock was set by %i ms', async step => {
  await using t = await startTestDriver({ submitsPerMinute: 5 })
  const begun: number[] = []
  t.notifier.onTransition('all', ({ stage }) => {
    if (stage === 'submitting') begun.push(t.clock.monotonic())
  })
  for (let i = 0; i < 12; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(10_000)
  expect(begun).toHaveLength(5)
  t.clock.setWall(step)
  const checks = t.jogg.calls('status').length
  await t.clock.advance(15_000 + SLACK_MS)
  expect(t.jogg.calls('status').length).toBeGreaterThanOrEqual(checks + 5)
  await t.clock.advance(45_000 + SLACK_MS)
  expect(begun).toHaveLength(10)
  await t.clock.advance(60_000 + SLACK_MS)
  expect(begun).toHaveLength(12)
  for (let i = 5; i < begun.length; i++) expect(begun[i]! - begun[i - 5]!).toBeGreaterThanOrEqual(WINDOW_MS)
  expect((await t.store.counts()).failed).toBe(0)
})

test('a thousand queued tasks do not delay the first twenty', async () => {
  await using t = await startTestDriver()
  for (let i = 0; i < 1_000; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(1_000)
  expect(t.jogg.calls('submit')).toHaveLength(20)
})

test('a round makes as many queries with many queued tasks as with few', async () => {
  const questionsOf = async (waiting: number) => {
    let questions = 0
    await using t = await startTestDriver({
      wrapStore: store =>
        new Proxy(store, {
          get(target, name, receiver) {
            if (['callerQueues', 'claimNext', 'recentSubmits', 'oldestQueued', 'get'].includes(String(name)))
              questions++
            return Reflect.get(target, name, receiver)
          },
        }),
    })
    for (let i = 0; i < waiting; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
    await t.clock.advance(1_000)
    questions = 0
    await t.create({ videoUrl: `${VIDEO}last` })
    await t.clock.advance(0)
    return questions
  }
  expect(await questionsOf(300)).toBe(await questionsOf(30))
})
