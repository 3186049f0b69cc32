import { expect, test } from 'vitest'
import { AUDIO, startTestGateway, VIDEO } from './support/gateway.js'
import { accepted, code, pending, processing, resets, success } from './support/jogg.js'
import { SLACK_MS } from './support/manual-clock.js'
import { expectMoment, START } from './support/task-calls.js'

test('drives a task from its acceptance to its result and pushes each step', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('up-1'), pending(), processing(), success({ seconds: 12.5 }))

  const task = await gw.createLipSync({ reference: 'order 7' })
  expect(task).toMatchObject({ status: 'PENDING', stage: 'QUEUED', reference: 'order 7', result: null, failure: null })
  const seen = gw.watch(task.id, '0')
  for (const ms of [3_000, 5_000, 6_000]) await gw.clock.advance(ms + SLACK_MS)

  const steps = await seen.rest()
  expect(steps.map(step => step.stage)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED', 'PROCESSING', 'SUCCESS'])
  expect(steps.map(step => step.status)).toEqual(['PENDING', 'PENDING', 'PENDING', 'PROCESSING', 'SUCCESS'])
  expect(steps[4]?.result).toEqual({
    resultUrl: 'https://res.jogg.example/up-1.mp4',
    coverUrl: 'https://res.jogg.example/up-1.jpg',
    durationSeconds: 12.5,
    credits: 0.1,
    animation: null,
    animatedShare: null,
  })
  expect(steps.map(step => step.progress)).toEqual([null, null, null, null, null])
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUCCESS', result: steps[4]?.result })
  expect(gw.jogg.calls('submit').map(call => call.inputs)).toEqual([
    { videoUrl: VIDEO, audioUrl: AUDIO, playbackType: 'normal' },
  ])
  const checks = gw.jogg.calls('status')
  expect(checks).toHaveLength(3)
  for (const [index, ms] of [3_000, 8_000, 14_000].entries()) expectMoment(checks[index]?.at, START + ms)
})

test('resolves a lost answer by a look-up and pays once', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(resets('submit', { accepting: true }))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN', status: 'PENDING' })
  await gw.clock.advance(3_000 + SLACK_MS)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted()).toHaveLength(1)
})

test('pauses the submit queue while the account is refused, and fails no task', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 18020, 'insufficient credit'))
  const task = await gw.createLipSync()
  await gw.clock.advance(0)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'QUEUED' })
  const ready = await fetch(`${gw.url}/ready`)
  expect(await ready.json()).toMatchObject({ checks: { upstream: expect.stringMatching(/^paused: /) } })
  await gw.clock.advance(60_000 + SLACK_MS)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
})
