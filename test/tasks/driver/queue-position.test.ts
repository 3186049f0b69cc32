import { expect, test } from 'vitest'
import { startTestGateway, VIDEO } from '../../support/gateway.js'

test('followers of a queued task receive its position, not too often', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  for (let i = 0; i < 3; i++) await gw.createLipSync({ videoUrl: `${VIDEO}?${i}` })
  const task = await gw.createLipSync()
  await gw.clock.advance(1_000)
  const places: number[] = []
  const query = `subscription { taskUpdated(id: "${task.id}") { stage queuePosition } }`
  const results = gw.client().iterate<{ taskUpdated: { stage: string; queuePosition: number | null } }>({ query })
  const next = async () => (await results.next()).value.data.taskUpdated
  expect(await next()).toEqual({ stage: 'QUEUED', queuePosition: 3 })
  for (let minute = 0; minute < 2; minute++) {
    await gw.clock.advance(66_000)
    places.push((await next()).queuePosition)
  }
  expect(places).toEqual([2, 1])
  await gw.clock.advance(66_000)
  expect(await next()).toEqual({ stage: 'SUBMITTING', queuePosition: null })
})
