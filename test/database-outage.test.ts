import { expect, test } from 'vitest'
import { inputNamed, startGateways } from './support/nodes.js'
import { postgresBinaries, startPostgres } from './support/postgres/server.js'

const binaries = postgresBinaries()

test.skipIf(binaries === null)('a gateway that loses its database says so, and goes on when it is back', async () => {
  await using server = await startPostgres(binaries ?? '')
  await using run = await startGateways(1, { databaseUrl: server.url })
  const { clock, jogg } = run
  const [gateway] = run.gateways
  const ready = async () => {
    await clock.advance(1_000)
    const response = await fetch(`${run.urls[0]}/ready`)
    return response.status
  }
  expect(await ready()).toBe(200)
  await server.restart(async () => {
    expect(await ready()).toBe(503)
    await expect(gateway!.tasks.create(inputNamed('lost'))).rejects.toMatchObject({ kind: 'unreachable' })
  })
  await expect.poll(ready, { timeout: 20_000 }).toBe(200)
  await gateway!.tasks.create(inputNamed('after'))
  await clock.advance(10_000)
  expect(jogg.jobs.accepted()).toHaveLength(1)
  const said = run.lines().map(({ msg }) => msg)
  for (const message of ['the heartbeat could not be written', 'the database can be written again'])
    expect(said.filter(msg => msg === message)).toHaveLength(1)
})
