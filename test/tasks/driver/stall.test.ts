import { expect, test } from 'vitest'
import { startTestGateway } from '../../support/gateway.js'
import { accepted, success, vanished } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'
import { expectMoment, START } from '../../support/task-calls.js'

test('a job that the upstream forgot fails after ten checks', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(vanished())
  const task = await gw.createLipSync()
  await gw.clock.advance(180_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  await gw.clock.advance(600_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'FAILED', failure: { code: 'UPSTREAM_LOST_TASK' } })
})

test('a task that does not end shows its stall, is checked slowly, and a late success is delivered', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('late'))
  const task = await gw.createLipSync()
  const stalledSince = async () =>
    (await gw.graphql(`{ lipSyncTask(id: "${task.id}") { stalledSince } }`)).data.lipSyncTask.stalledSince
  await gw.clock.advance(30 * 60_000 - 1 - SLACK_MS)
  expect(await stalledSince()).toBeNull()
  const seen = gw.watch(task.id)
  expect(await seen.next()).toMatchObject({ stage: 'SUBMITTED' })
  await gw.clock.advance(1 + 2 * SLACK_MS)
  expectMoment(await stalledSince(), START + 30 * 60_000)
  expect(await seen.next()).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.lines).toContainEqual(expect.objectContaining({ level: 40, taskId: task.id, upstreamId: 'late' }))
  const looks = gw.jogg.calls('status').length
  await gw.clock.advance(60 * 60_000)
  expect(gw.jogg.calls('status').length - looks).toBeLessThanOrEqual(61)
  gw.jogg.finish('late')
  await gw.clock.advance(60_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUCCESS' })
})

test('a replayed step shows no stall', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('up'), success())
  const task = await gw.createLipSync()
  await gw.clock.advance(3_600_000)
  const query = `subscription { taskUpdated(id: "${task.id}", after: "0") { task { stalledSince } } }`
  const results = gw.client().iterate<{ taskUpdated: { task: { stalledSince: string | null } } }>({ query })
  for await (const { data } of results) expect(data?.taskUpdated.task.stalledSince).toBeNull()
})
