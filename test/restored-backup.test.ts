import { copyFile, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { meddle, newDatabase } from './support/database.js'
import { AUDIO, openTestGateway } from './support/gateway.js'
import { accepted, code, failed, notOffered, type Play, rateLimited, resets, startJogg } from './support/jogg.js'
import { createManualClock } from './support/manual-clock.js'

function input(name: string) {
  return { videoUrl: `https://media.example/${name}.mp4`, audioUrl: AUDIO }
}

test('a restored backup does not pay again for what was submitted after it', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(code('submit', 18020, 'insufficient credit'), accepted('sent'))
  const task = await run.gateway().tasks.create(input('sent'))
  await run.gateway().settled()
  await run.backUp()
  await clock.advance(60_000)
  expect(await run.stage(task.id)).toBe('submitted')

  await run.restore()
  await clock.advance(60_000)
  expect(await run.gateway().tasks.get(task.id)).toMatchObject({ stage: 'submitted', upstreamId: 'sent' })
  expect(jogg.jobs.accepted()).toHaveLength(1)
})

test('a task that was not submitted after the backup is submitted after the restore', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  const task = await run.gateway().tasks.create(input('waiting'))
  await run.gateway().settled()
  await run.backUp()
  await run.gateway().tasks.create(input('later'))

  await run.restore()
  await clock.advance(60_000)
  expect(await run.stage(task.id)).toBe('submitted')
  expect(jogg.calls('find')).toHaveLength(1)
  expect(jogg.jobs.accepted()).toHaveLength(1)
})

test.each<[string, () => Play]>([
  ['reset', () => resets('find')],
  ['system error', () => code('find', 50000, 'system error')],
  ['rate limit', () => rateLimited('find', 5)],
])('a look-up that fails after a restore is repeated before anything is paid: %s', async (_, fails) => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(code('submit', 18020, 'insufficient credit'), accepted('sent'))
  const task = await run.gateway().tasks.create(input('sent'))
  await run.gateway().settled()
  await run.backUp()
  await clock.advance(60_000)

  jogg.plays(fails(), fails())
  await run.restore()
  await clock.advance(120_000)
  expect(await run.gateway().tasks.get(task.id)).toMatchObject({ stage: 'submitted', upstreamId: 'sent' })
  expect(jogg.jobs.accepted()).toHaveLength(1)
})

test('a job of another task is left to it after a restore, and a person has to resolve the twin', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(accepted('first'), code('submit', 18020, 'insufficient credit'))
  const first = await run.gateway().tasks.create(input('twin'))
  await run.gateway().settled()
  const second = await run.gateway().tasks.create(input('twin'))
  await run.gateway().settled()
  await run.backUp()
  await run.gateway().tasks.create(input('later'))

  await run.restore()
  await clock.advance(60_000)
  expect(await run.gateway().tasks.get(first.id)).toMatchObject({ upstreamId: 'first' })
  expect(await run.stage(second.id)).toBe('unknown')
  expect(jogg.calls('submit')).toHaveLength(2)
})

test('without a look-up nothing is submitted again after a restore', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  const task = await run.gateway().tasks.create(input('waiting'))
  await run.gateway().settled()
  await run.backUp()
  await run.gateway().tasks.create(input('later'))

  jogg.plays(...Array.from({ length: 100 }, () => notOffered('find')))
  await run.restore()
  await clock.advance(60_000)
  expect(await run.stage(task.id)).toBe('unknown')
  expect(jogg.jobs.accepted()).toEqual([])
})

test('a cursor from before the restore is refused, also when the log has grown beyond it', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  await run.gateway().tasks.create(input('waiting'))
  await run.gateway().settled()
  await run.backUp()
  await clock.advance(60_000)
  const before = await run.cursor()

  await run.restore()
  jogg.plays(failed('broken'))
  for (const name of ['a', 'b', 'c']) await run.gateway().tasks.create(input(name))
  await clock.advance(60_000)
  const after = await run.cursor()
  const seqOf = (cursor: string) => Number(cursor.split('-').at(-1))
  expect(seqOf(after)).toBeGreaterThan(seqOf(before))
  expect((await run.follow(after)).code).toBeNull()
  expect((await run.follow(before)).code).toBe('CURSOR_UNKNOWN')
})

/** A gateway on a file, whose database can be backed up and put back. */
async function startRestorable() {
  const file = await newDatabase()
  let open: Awaited<ReturnType<typeof openTestGateway>> | undefined
  const clock = createManualClock(undefined, () => Promise.race([running().gateway.settled(), jogg.holding()]))
  const jogg = await startJogg({ now: clock.now })
  const running = () => {
    if (!open) throw new Error('no gateway runs')
    return open
  }
  const start = async () => {
    open = await openTestGateway(clock, jogg, { databaseUrl: `file:${file}` })
  }
  await start()
  const ask = async (query: string, variables: object = {}) => {
    const response = await fetch(`${running().url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    return (await response.json()) as { data: { lipSyncTasks: { cursor: string } } }
  }

  return {
    clock,
    jogg,
    gateway: () => running().gateway,
    stage: async (id: string) => (await running().gateway.tasks.get(id))?.stage,
    cursor: async () => (await ask('{ lipSyncTasks(first: 1) { cursor } }')).data.lipSyncTasks.cursor,
    /** Begins to follow from a cursor. Returns the code with which that was refused. */
    async follow(after: string) {
      const events = await running()
        .gateway.tasks.followAll({ after })
        .catch((thrown: { code?: string }) => thrown)
      if ('code' in events) return { code: events.code ?? null }
      if ('return' in events) await events.return?.()
      return { code: null }
    },
    backUp: async () => meddle(file, database => database.exec(`VACUUM INTO '${file}.backup'`)),
    /** Stops the gateway, puts the backup back, and starts again. */
    async restore() {
      await running().gateway[Symbol.asyncDispose]()
      for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
      await copyFile(`${file}.backup`, file)
      await start()
      await running().gateway.settled()
    },
    async [Symbol.asyncDispose]() {
      jogg.release()
      await running().gateway[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}
