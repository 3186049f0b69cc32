import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { newDatabase } from './support/database.js'
import { AUDIO, openTestGateway, VIDEO } from './support/gateway.js'
import { code, startJogg } from './support/jogg.js'
import { createManualClock } from './support/manual-clock.js'

test('a gateway whose port is taken submits nothing', async () => {
  const databaseUrl = `file:${await newDatabase()}`
  const clock = createManualClock()
  await using jogg = await startJogg({ now: clock.now })
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  const first = await openTestGateway(clock, jogg, { databaseUrl })
  const task = await first.gateway.tasks.create({ videoUrl: VIDEO, audioUrl: AUDIO })
  await first.gateway.settled()
  await first.gateway[Symbol.asyncDispose]()
  expect(jogg.calls('submit')).toHaveLength(1)

  const occupant = createServer()
  await new Promise<void>(resolve => occupant.listen(0, '127.0.0.1', resolve))
  const { port } = occupant.address() as AddressInfo
  await expect(openTestGateway(clock, jogg, { databaseUrl, port })).rejects.toThrow('EADDRINUSE')
  await new Promise(resolve => occupant.close(resolve))
  expect(jogg.calls('submit')).toHaveLength(1)

  // The database is free again, and the task still waits in it.
  const next = await openTestGateway(clock, jogg, { databaseUrl })
  await next.gateway.settled()
  expect(await next.gateway.tasks.get(task.id)).toMatchObject({ stage: 'submitted' })
  await next.gateway[Symbol.asyncDispose]()
})
