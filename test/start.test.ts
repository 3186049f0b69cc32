import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from './support/child.js'
import { meddle, newDatabase, openTestStore } from './support/database.js'
import { AUDIO, openTestGateway, VIDEO } from './support/gateway.js'
import { code, startJogg } from './support/jogg.js'
import { createManualClock } from './support/manual-clock.js'

const IN_USE = 'EADDRINUSE'
const INVALID_ROW = 'is stored as submitting without attemptedAt'

test('a gateway whose port is taken submits nothing', async () => {
  const clock = createManualClock()
  await using jogg = await startJogg({ now: clock.now })
  const { databaseUrl, taskId } = await databaseWithTask(clock, jogg)
  const port = await takePort()
  await expect(openTestGateway(clock, jogg, { databaseUrl, port })).rejects.toThrow(IN_USE)
  expect(jogg.calls('submit')).toHaveLength(1)

  // The database is free again, and the task still waits in it.
  const next = await openTestGateway(clock, jogg, { databaseUrl })
  await next.gateway.settled()
  expect(await next.gateway.tasks.get(taskId)).toMatchObject({ stage: 'submitted' })
  await next.gateway[Symbol.asyncDispose]()
})

test('a gateway that fails after it began to listen releases its port and its database', async () => {
  const clock = createManualClock()
  await using jogg = await startJogg({ now: clock.now })
  const { databaseUrl, port } = await databaseWithTask(clock, jogg)
  invalidate(databaseUrl)
  await expect(openTestGateway(clock, jogg, { databaseUrl, port })).rejects.toThrow(INVALID_ROW)
  expect(jogg.calls('submit')).toHaveLength(1)

  expect(await takePort(port)).toBe(port)
  await (await openTestStore(databaseUrl))[Symbol.asyncDispose]()
})

test.each([
  ['the port is taken', IN_USE],
  ['the recovery of tasks fails', INVALID_ROW],
])('a process ends by itself when its gateway cannot start: %s', async (_, reason) => {
  const clock = createManualClock()
  await using jogg = await startJogg({ now: clock.now })
  const { databaseUrl } = await databaseWithTask(clock, jogg)
  if (reason === INVALID_ROW) invalidate(databaseUrl)
  const options = {
    databaseUrl,
    dataDir: dirname(databaseUrl.slice('file:'.length)),
    port: reason === IN_USE ? await takePort() : 0,
    upstream: 'jogg',
    jogg: { apiKey: jogg.apiKey, baseUrl: jogg.url },
    logLevel: 'silent',
  }
  const child = startChild('start-host.js', JSON.stringify(options))
  expect(await child.message).toContain(reason)
  expect(await child.exitCode).toBe(0)
})

/** A database with one queued task, which the upstream has rejected for now, and a port that was free. */
async function databaseWithTask(
  clock: ReturnType<typeof createManualClock>,
  jogg: Awaited<ReturnType<typeof startJogg>>,
) {
  const databaseUrl = `file:${await newDatabase()}`
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  const { gateway, url } = await openTestGateway(clock, jogg, { databaseUrl })
  const { id } = await gateway.tasks.create({ videoUrl: VIDEO, audioUrl: AUDIO })
  await gateway.settled()
  await gateway[Symbol.asyncDispose]()
  expect(jogg.calls('submit')).toHaveLength(1)
  return { databaseUrl, taskId: id, port: Number(new URL(url).port) }
}

/** Makes the task one that was being submitted, without the columns of that stage. The recovery reads it. */
function invalidate(databaseUrl: string): void {
  meddle(databaseUrl.slice('file:'.length), database => database.exec("UPDATE tasks SET stage = 'submitting'"))
}

/** Listens on a port, a free one by default, until the test ends. Returns it. */
async function takePort(port = 0): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>(resolve => void server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}
