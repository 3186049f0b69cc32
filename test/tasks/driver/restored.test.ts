import { copyFile, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { meddle, newDatabase } from '../../support/database.js'
import { AUDIO, openTestGateway, VIDEO } from '../../support/gateway.js'
import { startJogg } from '../../support/jogg.js'
import { createManualClock } from '../../support/manual-clock.js'

const MINUTE_MS = 60_000
const PER_MINUTE = 5
const TASKS = 24

type Opened = Awaited<ReturnType<typeof openTestGateway>>

test.each([
  ['that is noticed', { restored: false, epochFile: 'kept' }],
  ['without the epoch file, told by `restored`', { restored: true, epochFile: 'gone' }],
  ['with its epoch file restored too, told by `restored`', { restored: true, epochFile: 'restored' }],
])('a backup from the middle of a busy run %s never pays twice', async (_, { restored, epochFile }) => {
  const file = await newDatabase()
  let open: Opened | undefined
  const clock = createManualClock(undefined, async () => open?.gateway.settled())
  await using jogg = await startJogg({ now: clock.now })
  const options = { databaseUrl: `file:${file}`, submits: { perMinute: PER_MINUTE } }
  const start = async (more = {}) => {
    open = await openTestGateway(clock, jogg, { ...options, ...more })
    return open
  }

  const before = await start()
  const ids: string[] = []
  for (let i = 0; i < TASKS; i++) ids.push((await before.gateway.tasks.create(inputs(i))).id)
  // Twins of a task that is submitted before the backup, and of one that is submitted after it.
  const twins = [await before.gateway.tasks.create(inputs(1)), await before.gateway.tasks.create(inputs(12))]
  await clock.advance(1.5 * MINUTE_MS)
  expect(jogg.jobs.accepted()).toHaveLength(2 * PER_MINUTE)
  await copyAside(file)
  await clock.advance(4.5 * MINUTE_MS)
  expect(jogg.jobs.accepted()).toHaveLength(TASKS + twins.length)
  const cursor = await before.gateway.tasks.cursor()
  await before.gateway[Symbol.asyncDispose]()
  const paid = jogg.jobs.accepted().length

  await putBack(file, epochFile)
  const after = await start({ restored })
  expect(after.lines.filter(line => line.level === 40).map(line => line.msg)).toContainEqual(
    expect.stringContaining('the database is older'),
  )
  await expect(after.gateway.tasks.followAll({ after: cursor })).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' })
  await clock.advance(10 * MINUTE_MS)
  // Nothing is paid again, not even the twins, whose jobs cannot be told apart.
  expect(jogg.jobs.accepted()).toHaveLength(paid)
  for (const id of ids.slice(2 * PER_MINUTE)) {
    const task = await after.gateway.tasks.get(id)
    expect(task).toMatchObject({ stage: 'submitted' })
    const history = await after.gateway.tasks.history(id)
    expect(history.at(-1)?.reason).toBe('found upstream by its inputs')
  }
  await expectUndecided(after, twins[1]!.id)

  // The inputs of a new task are not looked up: it was created after the restore.
  const fresh = await after.gateway.tasks.create(inputs(TASKS))
  await clock.advance(2 * MINUTE_MS)
  expect(await after.gateway.tasks.get(fresh.id)).toMatchObject({ stage: 'submitted' })
  expect(jogg.jobs.accepted()).toHaveLength(paid + 1)
  const owners = jogg.jobs.accepted().map(job => job.taskId)
  const owned = await Promise.all([...ids, fresh.id, twins[0]!.id].map(id => after.gateway.tasks.get(id)))
  const upstreamIds = owned.flatMap(task => (task && 'upstreamId' in task ? [task.upstreamId] : []))
  expect(new Set(upstreamIds).size).toBe(upstreamIds.length)
  expect(owners).toEqual(expect.arrayContaining(upstreamIds))
  await after.gateway[Symbol.asyncDispose]()
})

function inputs(i: number) {
  return { videoUrl: `${VIDEO}?${i}`, audioUrl: AUDIO }
}

/** A person has to decide: the only job found is that of the twin. */
async function expectUndecided({ gateway }: Opened, id: string) {
  const task = await gateway.tasks.get(id)
  expect(task).toMatchObject({ stage: 'unknown' })
  const live = task && (await gateway.tasks.liveStates([task])).get(id)
  expect(live?.problem).toContain('belongs to another task')
}

async function copyAside(file: string) {
  meddle(file, db => db.exec(`VACUUM INTO '${file}.backup'`))
  await copyFile(`${file}.epoch`, `${file}.epoch.backup`)
}

/** Replaces the database by its backup. */
async function putBack(file: string, epochFile: string) {
  for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
  await copyFile(`${file}.backup`, file)
  if (epochFile === 'gone') await rm(`${file}.epoch`)
  if (epochFile === 'restored') await copyFile(`${file}.epoch.backup`, `${file}.epoch`)
}
