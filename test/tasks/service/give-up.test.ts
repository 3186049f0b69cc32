import { expect, test } from 'vitest'
import { startTestGateway } from '../../support/gateway.js'
import { answers, processing } from '../../support/jogg.js'
import { act } from '../../support/task-calls.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

function unreadable() {
  return answers('status', {
    body: { code: 0, msg: 'Success', data: { status: 'sleeping https://jogg.example/?key=secret' } },
  })
}

test('a task that the upstream works on cannot be given up', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(processing())
  const { id } = await gw.createLipSync()
  await gw.clock.advance(60_000)
  expect(await gw.task(id)).toMatchObject({ stage: 'PROCESSING' })
  expect(await giveUp(gw, id)).toMatchObject({ code: 'INVALID_STATE', stage: 'PROCESSING' })
})

test('a stalled task can be given up: it is final, its reservation is freed, and a late result changes nothing', async () => {
  await using gw = await startTestGateway({ poll: { stallAfterMinutes: 1 } })
  gw.jogg.plays(processing())
  const { id } = await gw.createLipSync()
  await gw.clock.advance(61_000)
  expect(await usage(gw)).toMatchObject({ reservedCredits: 0.48 })
  expect(await giveUp(gw, id)).toMatchObject({ stage: 'FAILED', failure: { code: 'GIVEN_UP' } })
  expect(await usage(gw)).toMatchObject({ reservedCredits: 0, credits: 0 })
  expect(await gw.gateway.tasks.get(id)).toMatchObject({ upstreamId: gw.jogg.jobs.accepted()[0]?.taskId })

  const checks = gw.jogg.calls('status').length
  gw.jogg.finish(gw.jogg.jobs.accepted()[0]!.taskId)
  await gw.clock.advance(600_000)
  expect(await gw.task(id)).toMatchObject({ stage: 'FAILED', result: null })
  expect(gw.jogg.calls('status')).toHaveLength(checks)
})

test('a task whose status answers stay unreadable can be given up, with the reason', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(processing(), ...Array.from({ length: 9 }, unreadable))
  const { id } = await gw.createLipSync()
  await gw.clock.advance(9_000)
  expect(await giveUp(gw, id)).toMatchObject({ code: 'INVALID_STATE' })
  await gw.clock.advance(30_000)
  expect(await giveUp(gw, id)).toMatchObject({ stage: 'FAILED', failure: { code: 'GIVEN_UP' } })
  const { message } = (await gw.task(id))?.failure ?? {}
  expect(message).toContain('unknown status "sleeping https://jogg.example/?…"')
})

function giveUp(gw: TestGateway, id: string) {
  return act(gw, `resolveLipSync(input: { id: "${id}", action: FAIL })`)
}

async function usage(gw: TestGateway) {
  const [{ reservedCents, spentCents } = { reservedCents: 0, spentCents: 0 }] = await gw.gateway.tasks.usage(1)
  return { reservedCredits: reservedCents / 100, credits: spentCents / 100 }
}
