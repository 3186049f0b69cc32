import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { meddle, newDatabase, openTestStore } from '../support/database.js'
import { createManualClock } from '../support/manual-clock.js'
import { newTask, queue, submitted, submitting } from '../support/store-contract.js'

function urlOf(file: string) {
  return `file:${file}`
}
function input(n: number) {
  return newTask({ videoUrl: `https://m.example/${n}` })
}

/** Opens the store, lets `act` use it, and closes it. */
async function run<T>(file: string, act: (store: Awaited<ReturnType<typeof openTestStore>>) => Promise<T>) {
  await using store = await openTestStore(urlOf(file))
  return await act(store)
}

test('keeps its epoch over restarts', async () => {
  const file = await newDatabase()
  const first = await run(file, async ({ tasks, epoch }) => {
    await submitting(tasks, await queue(tasks))
    return epoch
  })
  await run(file, async ({ tasks, epoch, restored }) => {
    expect({ epoch, restored }).toEqual({ epoch: first, restored: false })
    expect(tasks.epoch).toBe(first)
  })
  expect(first).toMatch(/^[0-9a-f]{12}$/)
})

test('after an older copy was put back, has a new epoch and marks the queued tasks to be looked up', async () => {
  const file = await newDatabase()
  const backup = `${file}.backup`
  const before = await run(file, async ({ tasks, epoch }) => {
    const sent = await submitted(tasks, await queue(tasks, input(1)), 'up')
    const waiting = await queue(tasks, input(2))
    meddle(file, db => db.exec(`VACUUM INTO '${backup}'`))
    expect(waiting.lookupFirst).toBe(false)
    // Submitted after the backup: paid, and the backup does not know it.
    await submitted(tasks, waiting, 'up-2')
    return { epoch, sent, waiting }
  })
  await putBack(backup, file)
  const restored = await run(file, async ({ tasks, epoch, restored }) => {
    expect(restored).toBe(true)
    expect(epoch).not.toBe(before.epoch)
    expect(await tasks.nextToSubmit()).toMatchObject({ id: before.waiting.id, lookupFirst: true })
    expect(await tasks.get(before.sent.id)).toMatchObject({ stage: 'submitted', lookupFirst: false })
    expect((await queue(tasks, input(3))).lookupFirst).toBe(false)
    return epoch
  })
  // Found once: the next start goes on from here.
  await run(file, async ({ epoch, restored, tasks }) => {
    expect({ epoch, restored }).toEqual({ epoch: restored ? null : epoch, restored: false })
    expect(await tasks.nextToSubmit()).toMatchObject({ id: before.waiting.id, lookupFirst: true })
  })
  expect(restored).toMatch(/^[0-9a-f]{12}$/)
})

test('notices a copy from the same start, that lacks only a submit, or only steps of the log', async () => {
  for (const later of ['submit', 'step'] as const) {
    const file = await newDatabase()
    const backup = `${file}.backup`
    await run(file, async ({ tasks }) => {
      const task = await queue(tasks)
      // What is written next is on the disk, but this process is killed before it can close the store.
      meddle(file, db => db.exec(`VACUUM INTO '${backup}'`))
      if (later === 'submit') await submitting(tasks, task)
      else await queue(tasks)
    })
    await putBack(backup, file)
    await run(file, async ({ restored }) => expect([later, restored]).toEqual([later, true]))
  }
})

test('treats a database without its epoch file, or with one that cannot be read, as restored', async () => {
  const file = await newDatabase()
  await run(file, async ({ tasks }) => queue(tasks))
  await rm(`${file}.epoch`)
  await run(file, async ({ restored }) => expect(restored).toBe(true))
  await writeFile(`${file}.epoch`, '{"epo')
  await run(file, async ({ restored }) => expect(restored).toBe(true))
  await run(file, async ({ restored }) => expect(restored).toBe(false))
})

test('treats a database as restored when the option is set, but never a new one', async () => {
  const file = await newDatabase()
  const clock = createManualClock()
  await using fresh = await openTestStore(urlOf(file), clock, true)
  expect(fresh.restored).toBe(false)
  await fresh[Symbol.asyncDispose]()
  await using told = await openTestStore(urlOf(file), clock, true)
  expect(told.restored).toBe(true)
  expect(told.epoch).not.toBe(fresh.epoch)
})

test('has written the count of submits beside the database before a submit may leave', async () => {
  const file = await newDatabase()
  await run(file, async ({ tasks }) => {
    const submits = async () => JSON.parse(await readFile(`${file}.epoch`, 'utf8')).submits
    expect(await submits()).toBe(0)
    await Promise.all([1, 2, 3].map(async n => submitting(tasks, await queue(tasks, input(n)))))
    expect(await submits()).toBe(3)
  })
})

/** What restoring a backup does: the database alone is replaced. */
async function putBack(backup: string, file: string) {
  for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
  await copyFile(backup, file)
}
