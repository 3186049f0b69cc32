import { expect, test } from 'vitest'
import { startTestGateway } from '../../support/gateway.js'
import { code } from '../../support/jogg.js'
import { act } from '../../support/task-calls.js'

test('a queued task can be canceled, a submitted one cannot', async () => {
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

test('repeated retries of a failed task create one task', async () => {
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
