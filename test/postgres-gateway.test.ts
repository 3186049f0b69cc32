import { expect, test } from 'vitest'
import { AUDIO, openTestGateway } from './support/gateway.js'
import { accepted, processing, startJogg, success } from './support/jogg.js'
import { createManualClock } from './support/manual-clock.js'
import { describePostgres, newPostgres } from './support/postgres/database.js'

describePostgres('gateways on Postgres', () => {
  /** Gateways on one database, with one upstream and one clock. */
  async function startGateways(count: number) {
    const databaseUrl = await newPostgres()
    let settled = (): Promise<unknown> => Promise.resolve()
    const clock = createManualClock(undefined, () => settled())
    const jogg = await startJogg({ now: clock.now })
    const opened = []
    for (let i = 0; i < count; i++) opened.push(await openTestGateway(clock, jogg, { databaseUrl }))
    const gateways = opened.map(({ gateway }) => gateway)
    settled = () => Promise.race([Promise.all(gateways.map(gateway => gateway.settled())), jogg.holding()])
    return {
      clock,
      jogg,
      gateways,
      async [Symbol.asyncDispose]() {
        jogg.release()
        await Promise.all(gateways.map(gateway => gateway[Symbol.asyncDispose]()))
        await jogg[Symbol.asyncDispose]()
      },
    }
  }
  const input = (name: string) => ({ videoUrl: `https://media.example/${name}.mp4`, audioUrl: AUDIO })

  test('carry a task from its creation to its result', async () => {
    await using run = await startGateways(1)
    const [gateway] = run.gateways
    run.jogg.plays(accepted('up-1'), processing(), success())
    const task = await gateway!.tasks.create(input('one'))
    await run.clock.advance(30_000)
    expect(await gateway!.tasks.get(task.id)).toMatchObject({ stage: 'success', upstreamId: 'up-1' })
  })

  test('submit each task once and at most 20 in a minute, all together', async () => {
    await using run = await startGateways(3)
    const { gateways, jogg, clock } = run
    await Promise.all(
      Array.from({ length: 25 }, (_, i) => gateways[i % 3]!.tasksOf(`caller ${i % 5}`).create(input(`video-${i}`))),
    )
    await clock.advance(1_000)
    // The gateways learn of each other's tasks when they next look.
    await clock.advance(30_000)
    expect(jogg.calls('submit').length).toBeLessThanOrEqual(20)
    await clock.advance(90_000)
    expect(jogg.jobs.accepted()).toHaveLength(25)
    expect(jogg.calls('submit')).toHaveLength(25)
  }, 120_000)
})
