import { expect, test } from 'vitest'
import { startTestDriver, TIMEOUT_MS } from '../../support/driver.js'
import { accepted, hangs, htmlPage, rateLimited, resets } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'
import { queue, submitting } from '../../support/store-contract.js'

const VIDEO = 'https://media.example/'

test('a task that became unknown meanwhile adopts a late answer', async () => {
  await using t = await startTestDriver({
    wrapUpstream: upstream => ({
      ...upstream,
      async submit(request, signal) {
        const id = await upstream.submit(request, signal)
        const task = await t.store.get(request.taskId)
        if (task?.stage === 'submitting') await t.transitions.move(task, 'unknown', {})
        return id
      },
      findJob: () => Promise.reject(new Error('no look-up may be needed')),
    }),
  })
  const task = await t.create()
  await t.clock.advance(0)
  expect(await t.stage(task.id)).toBe('submitted')
})

test('a task that is queued again adopts a late answer without a second call', async () => {
  await using t = await startTestDriver({
    wrapUpstream: upstream => ({
      ...upstream,
      async submit(request, signal) {
        const id = await upstream.submit(request, signal)
        const task = await t.store.get(request.taskId)
        if (task?.stage === 'submitting') await t.transitions.move(task, 'queued', {})
        return id
      },
    }),
  })
  const task = await t.create()
  await t.clock.advance(60_000)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(t.jogg.jobs.accepted()).toHaveLength(1)
})

test('an answer whose write failed is written before anything else leaves', async () => {
  let failures = 2
  await using t = await startTestDriver({
    wrapStore: store => ({
      ...store,
      async move(from, to, step) {
        if (to.stage === 'submitted' && failures-- > 0) throw new Error('disk full')
        return store.move(from, to, step)
      },
    }),
  })
  t.jogg.plays(accepted('first'))
  const task = await t.create()
  await t.create({ videoUrl: `${VIDEO}2` })
  await t.clock.advance(4_000)
  expect(t.jogg.calls('submit')).toHaveLength(1)
  await t.clock.advance(11_000 + SLACK_MS)
  expect(await t.store.get(task.id)).toMatchObject({ stage: 'submitted', upstreamId: 'first' })
  expect(t.jogg.calls('submit')).toHaveLength(2)
})

test('a submit that never left becomes unknown, and is repeated when the look-up finds no job', async () => {
  let broken = true
  await using t = await startTestDriver({
    wrapStore: store => ({
      ...store,
      async claimNext(request) {
        const claim = await store.claimNext(request)
        if (claim.kind === 'claimed' && broken) {
          broken = false
          throw new Error('the write of the counter failed')
        }
        return claim
      },
    }),
  })
  const task = await t.create()
  await t.clock.advance(TIMEOUT_MS + 29_000 - SLACK_MS)
  expect(await t.stage(task.id)).toBe('submitting')
  await t.clock.advance(15_000 + 2 * SLACK_MS)
  expect(await t.stage(task.id)).toBe('submitted')
  expect(t.jogg.jobs.accepted()).toHaveLength(1)
  expect((await t.reasons(task.id)).map(([stage]) => stage)).toContain('unknown')
})

test('a submit that the stop of the gateway cut off is looked up soon after the start', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(hangs('submit', { accepting: true }))
  const task = await t.create()
  await t.jogg.holding()
  // Another start on the same store finds what a killed gateway leaves behind.
  await t.driver.statusPoller.recover()
  expect((await t.reasons(task.id)).at(-1)).toEqual(['unknown', 'the gateway stopped during the submit'])
  expect((await t.store.pollStates([task.id])).get(task.id)?.dueMono).toBeLessThanOrEqual(t.clock.monotonic() + 3_000)
})

test('a start takes the submit that a killed gateway left behind for lost', async () => {
  let id = ''
  await using t = await startTestDriver({
    async before(store) {
      id = (await submitting(store, await queue(store))).id
    },
  })
  expect((await t.reasons(id)).at(-1)).toEqual(['unknown', 'the gateway stopped during the submit'])
})

test('submits that end late count when they end', async () => {
  await using t = await startTestDriver({ submitsPerMinute: 1 })
  t.jogg.plays(hangs('submit', { accepting: true }))
  await t.create()
  await t.create({ videoUrl: `${VIDEO}2` })
  await t.jogg.holding()
  await t.clock.advance(8_000)
  t.jogg.release()
  await t.clock.advance(59_000 - SLACK_MS)
  expect(t.jogg.calls('submit')).toHaveLength(1)
  await t.clock.advance(2_000 + 2 * SLACK_MS)
  expect(t.jogg.calls('submit')).toHaveLength(2)
})

test('an outage pauses the queue instead of losing one answer after the other', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(...Array.from({ length: 60 }, () => htmlPage('submit', 502)))
  t.jogg.plays(...Array.from({ length: 1_000 }, () => htmlPage('find', 502)))
  for (let i = 0; i < 60; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(29 * 60_000)
  expect((await t.store.counts()).unknown).toBe(2)
  expect(await t.driver.submitter.status()).toMatchObject({ state: 'PAUSED', kind: 'unclear' })
})

test('without look-ups, rare submits probe whether an outage is over', async () => {
  await using t = await startTestDriver({
    wrapUpstream: ({ findJob: _, ...upstream }) => upstream,
  })
  t.jogg.plays(...Array.from({ length: 60 }, () => htmlPage('submit', 502)))
  for (let i = 0; i < 60; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(30 * 60_000)
  expect((await t.store.counts()).unknown).toBeLessThanOrEqual(8)
  expect(await t.driver.submitter.status()).toMatchObject({ state: 'PAUSED', kind: 'unclear' })
})

test('the queue continues when a check succeeds again', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(accepted('early'))
  await t.create({ videoUrl: `${VIDEO}early` })
  await t.clock.advance(0)
  t.jogg.plays(resets('submit'), resets('submit'))
  t.jogg.plays(...Array.from({ length: 4 }, () => resets('find')))
  for (let i = 0; i < 5; i++) await t.create({ videoUrl: `${VIDEO}${i}` })
  await t.clock.advance(30_000)
  expect((await t.store.counts()).queued).toBe(0)
})

test('limits a wait of hours that the upstream requests', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(rateLimited('submit', 60_000))
  const task = await t.create()
  await t.clock.advance(5 * 60_000 - 1_000 - SLACK_MS)
  expect(await t.stage(task.id)).toBe('queued')
  await t.clock.advance(1_000 + 2 * SLACK_MS)
  expect(await t.stage(task.id)).toBe('submitted')
})

test('an attempt has the time of the upstream, and is under way until it is answered', async () => {
  await using t = await startTestDriver()
  t.jogg.plays(accepted('first'), hangs('submit'))
  await t.create({ videoUrl: `${VIDEO}1` })
  await t.driver.settled()
  const { id } = await t.create({ videoUrl: `${VIDEO}2` })
  await t.jogg.received('submit', 2)
  const joggAt = t.jogg.calls('submit')[1]!.at
  const task = await t.store.get(id)
  if (task?.stage !== 'submitting') throw new Error(`the task is ${task?.stage}`)
  // The header has whole seconds.
  expect(Math.abs(task.attemptedUpstreamAt! - joggAt)).toBeLessThanOrEqual(1_000 + SLACK_MS)
  expect(t.driver.submitter.isUnderWay(id)).toBe(true)
  t.jogg.release()
  await t.driver.settled()
  expect(await t.stage(id)).toBe('submitted')
  expect(t.driver.submitter.isUnderWay(id)).toBe(false)
})
