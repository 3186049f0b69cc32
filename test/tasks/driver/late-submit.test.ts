import { expect, test } from 'vitest'
import { AUDIO, startTestGateway, VIDEO } from '../../support/gateway.js'
import { accepted, code, type Play, resets } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'

/** A submit that the upstream received and holds until the test lets it accept the job, or answer as well. */
function slowSubmit() {
  let take = () => {}
  let answer = () => {}
  const play: Play = {
    on: 'submit',
    play: async scene => {
      take = () => void scene.honest('slow')
      answer = () => scene.send(scene.honest('slow'))
      await scene.held()
    },
  }
  return { play, take: () => take(), answer: () => answer() }
}

test('does not pay again for a submit that is accepted only after its time limit', async () => {
  await using gw = await startTestGateway()
  const slow = slowSubmit()
  gw.jogg.plays(slow.play)
  const task = await gw.createLipSync()
  await gw.jogg.received('submit')
  await gw.clock.advance(10_000)
  await gw.gateway.settled()
  expect(await gw.task(task.id)).toMatchObject({ stage: 'UNKNOWN' })
  await gw.clock.advance(8_000)
  slow.take()
  await gw.clock.advance(60_000)
  expect(await gw.task(task.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted()).toHaveLength(1)
})

test('all tasks that waited too long expire, in any number', async () => {
  await using gw = await startTestGateway({ submits: { maxQueueHours: 1 } })
  gw.jogg.plays(...Array.from({ length: 70 }, () => code('submit', 18020, 'insufficient credit')))
  for (let i = 0; i < 130; i++) await gw.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: AUDIO })
  await gw.clock.advance(3_600_000 + SLACK_MS)
  expect(gw.jogg.jobs.accepted()).toEqual([])
  expect((await gw.gateway.tasks.list({ statuses: ['PENDING'] })).length).toBe(0)
})

test('a job that another task owns is not adopted, even as the latest with the same inputs', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('first'), resets('submit'), accepted('second'))
  const first = await gw.createLipSync()
  const second = await gw.createLipSync()
  await gw.clock.advance(20_000)
  expect(await gw.task(first.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(await gw.task(second.id)).toMatchObject({ stage: 'UNKNOWN' })
  await gw.clock.advance(40_000)
  expect(await gw.task(second.id)).toMatchObject({ stage: 'SUBMITTED' })
  expect(gw.jogg.jobs.accepted().map(job => job.taskId)).toEqual(['first', 'second'])
})
