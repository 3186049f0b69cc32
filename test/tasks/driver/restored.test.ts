import { copyFile, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { GatewayOptions } from '../../../src/config.js'
import { meddle, newDatabase } from '../../support/database.js'
import { AUDIO, openTestGateway, VIDEO } from '../../support/gateway.js'
import { accepted, code, failed, notOffered, type Play, rateLimited, resets, startJogg } from '../../support/jogg.js'
import { createManualClock } from '../../support/manual-clock.js'

const MINUTE_MS = 60_000
const PER_MINUTE = 5
const TASKS = 24

/** The statuses of jobs that go on for minutes are not the subject. */
const RARELY = { firstMs: MINUTE_MS, minMs: MINUTE_MS, maxMs: MINUTE_MS }

test.each([
  ['that is noticed', { restored: false, epochFile: 'kept' }],
  ['without the epoch file, told by `restored`', { restored: true, epochFile: 'gone' }],
  ['with its epoch file restored too, told by `restored`', { restored: true, epochFile: 'restored' }],
])('a backup from the middle of a busy run %s never pays twice', async (_, { restored, epochFile }) => {
  await using run = await startRestorable({ submits: { perMinute: PER_MINUTE }, poll: RARELY })
  const { clock, jogg } = run
  const before = run.gateway().tasks
  const ids: string[] = []
  for (let i = 0; i < TASKS; i++) ids.push((await before.create(input(i))).id)
  // Twins of a task that is submitted before the backup, and of one that is submitted after it.
  const twins = [await before.create(input(1)), await before.create(input(12))]
  await clock.advance(1.5 * MINUTE_MS)
  expect(jogg.jobs.accepted()).toHaveLength(2 * PER_MINUTE)
  await run.backUp()
  await clock.advance(4.5 * MINUTE_MS)
  expect(jogg.jobs.accepted()).toHaveLength(TASKS + twins.length)
  const cursor = await before.cursor()
  const paid = jogg.jobs.accepted().length

  await run.restore({ restored, epochFile })
  const after = run.gateway().tasks
  expect(
    run
      .lines()
      .filter(line => line.level === 40)
      .map(line => line.msg),
  ).toContainEqual(expect.stringContaining('the database is older'))
  await expect(after.followAll({ after: cursor })).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' })
  await clock.advance(10 * MINUTE_MS)
  // Nothing is paid again, not even the twins, whose jobs cannot be told apart.
  expect(jogg.jobs.accepted()).toHaveLength(paid)
  for (const id of ids.slice(2 * PER_MINUTE)) {
    const task = await after.get(id)
    expect(task).toMatchObject({ stage: 'submitted' })
    const history = await after.history(id)
    expect(history.at(-1)?.reason).toBe('found upstream by its inputs')
  }
  // A person has to decide: the only job found is that of the twin.
  const twin = await after.get(twins[1]!.id)
  expect(twin).toMatchObject({ stage: 'unknown' })
  const live = twin && (await after.liveStates([twin])).get(twin.id)
  expect(live?.problem).toContain('belongs to another task')

  // The inputs of a new task are not looked up: it was created after the restore.
  const fresh = await after.create(input(TASKS))
  await clock.advance(2 * MINUTE_MS)
  expect(await after.get(fresh.id)).toMatchObject({ stage: 'submitted' })
  expect(jogg.jobs.accepted()).toHaveLength(paid + 1)
  const owners = jogg.jobs.accepted().map(job => job.taskId)
  const owned = await Promise.all([...ids, fresh.id, twins[0]!.id].map(id => after.get(id)))
  const upstreamIds = owned.flatMap(task => (task && 'upstreamId' in task ? [task.upstreamId] : []))
  expect(new Set(upstreamIds).size).toBe(upstreamIds.length)
  expect(owners).toEqual(expect.arrayContaining(upstreamIds))
})

test('a task that was not submitted after the backup is submitted after the restore', async () => {
  await using run = await startRestorable()
  const { jogg, clock } = run
  const task = await backUpWithQueuedTask(run)

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
  const task = await backUpWithQueuedTask(run)

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
  const before = await run.gateway().tasks.cursor()

  await run.restore()
  jogg.plays(failed('broken'))
  for (const name of ['a', 'b', 'c']) await run.gateway().tasks.create(input(name))
  await clock.advance(60_000)
  const after = await run.gateway().tasks.cursor()
  const seqOf = (cursor: string) => Number(cursor.split('-').at(-1))
  expect(seqOf(after)).toBeGreaterThan(seqOf(before))
  const followed = await run.gateway().tasks.followAll({ after })
  await followed.return?.()
  await expect(run.gateway().tasks.followAll({ after: before })).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' })
})

function input(name: string | number) {
  return { videoUrl: `${VIDEO}?${name}`, audioUrl: AUDIO }
}

/** A gateway on a file, whose database can be backed up and put back. */
async function startRestorable(options: GatewayOptions = {}) {
  const file = await newDatabase()
  let open: Awaited<ReturnType<typeof openTestGateway>> | undefined
  const running = () => {
    if (!open) throw new Error('no gateway runs')
    return open
  }
  const clock = createManualClock(undefined, () => Promise.race([running().gateway.settled(), jogg.holding()]))
  const jogg = await startJogg({ now: clock.now })
  const start = async (restored: boolean) => {
    open = await openTestGateway(clock, jogg, { databaseUrl: `file:${file}`, restored, ...options })
  }
  await start(false)

  return {
    clock,
    jogg,
    gateway: () => running().gateway,
    lines: () => running().lines,
    stage: async (id: string) => (await running().gateway.tasks.get(id))?.stage,
    async backUp() {
      meddle(file, database => database.exec(`VACUUM INTO '${file}.backup'`))
      await copyFile(`${file}.epoch`, `${file}.epoch.backup`)
    },
    /** Stops the gateway, puts the backup back, and starts again. */
    async restore({ restored = false, epochFile = 'kept' } = {}) {
      await running().gateway[Symbol.asyncDispose]()
      for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
      await copyFile(`${file}.backup`, file)
      if (epochFile === 'gone') await rm(`${file}.epoch`)
      if (epochFile === 'restored') await copyFile(`${file}.epoch.backup`, `${file}.epoch`)
      await start(restored)
      await running().gateway.settled()
    },
    async [Symbol.asyncDispose]() {
      jogg.release()
      await running().gateway[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}

/** Backs up a gateway whose only task is queued, lets another task come, and returns the first. */
async function backUpWithQueuedTask({ jogg, gateway, backUp }: Awaited<ReturnType<typeof startRestorable>>) {
  jogg.plays(code('submit', 18020, 'insufficient credit'))
  const task = await gateway().tasks.create(input('waiting'))
  await gateway().settled()
  await backUp()
  await gateway().tasks.create(input('later'))
  return task
}
