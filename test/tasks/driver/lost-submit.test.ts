import { expect, test } from 'vitest'
import { AUDIO, openTestGateway, startTestGateway, VIDEO } from '../../support/gateway.js'
import { accepted, hangs, notOffered, resets, startJogg } from '../../support/jogg.js'
import { createManualClock } from '../../support/manual-clock.js'
import { history } from '../../support/task-calls.js'

test('a lost submit that never arrived returns to the queue after two look-ups, once it can no longer be under way', async () => {
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
    ['QUEUED', 'certainly not accepted: the upstream has no job with its inputs'],
    ['SUBMITTING', null],
    ['SUBMITTED', null],
  ])
})

test('finds an accepted submit that timed out, and holds back a second task with the same inputs until then', async () => {
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

test('without a look-up the task stays unknown until a person decides', async () => {
  await using gw = await startTestGateway()
  const many = Array.from({ length: 200 }, () => notOffered('find'))
  gw.jogg.plays(resets('submit'), ...many)
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN', status: 'PENDING' })
  expect(gw.jogg.calls('find').length).toBeLessThan(100)
  expect(gw.jogg.calls('submit')).toHaveLength(1)
  expect(await gw.gateway.tasks.resolve(task.id, 'RESUBMIT')).toMatchObject({ stage: 'queued' })
  await gw.clock.advance(0)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  await expect(gw.gateway.tasks.resolve(task.id, 'FAIL')).rejects.toMatchObject({ code: 'INVALID_STATE' })
})

test('a person can give up a submit whose answer was lost', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(resets('submit'), notOffered('find'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  expect(await gw.gateway.tasks.resolve(task.id, 'FAIL')).toMatchObject({
    stage: 'failed',
    failure: { code: 'SUBMIT_UNRESOLVED' },
  })
})

test('an upstream clock that is an hour behind does not make the job look old', async () => {
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

test('a task that waited too long for a lost answer is not submitted again', async () => {
  await using gw = await startTestGateway({ submits: { maxQueueHours: 1 } })
  gw.jogg.plays(resets('submit'), ...Array.from({ length: 150 }, () => notOffered('find')))
  const task = await gw.createLipSync()
  await gw.clock.advance(3 * 3_600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'EXPIRED' } })
  expect(gw.jogg.jobs.accepted()).toEqual([])
})
