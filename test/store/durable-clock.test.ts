import { expect, test } from 'vitest'
import { createDurableClock } from '../../src/store/sqlite/durable-clock.js'
import { meddle, newDatabase, openTestStore } from '../support/database.js'
import { createManualClock } from '../support/manual-clock.js'
import { newTask, queue, submitted, takeDue } from '../support/store-contract.js'

const HOUR_MS = 3_600_000
function urlOf(file: string) {
  return `file:${file}`
}

/** A machine's clock at some wall time and some time after its boot. */
function machine(wall: number, sinceBoot: number) {
  const clock = createManualClock(wall)
  return { ...clock, monotonic: () => clock.monotonic() + sinceBoot }
}

test.each([-HOUR_MS, 0, HOUR_MS])('goes on over a restart while the wall clock is set by %i ms', async wallStep => {
  const file = await newDatabase()
  const [wall, sinceBoot] = [Date.UTC(2025, 0, 1), 5_000]
  const clock = machine(wall, sinceBoot)
  const first = await openTestStore(urlOf(file), clock)
  const task = await submitted(first.tasks, await queue(first.tasks), 'up', first.clock.monotonic() + 60_000)
  const closed = first.clock.monotonic()
  await first[Symbol.asyncDispose]()
  // Half a minute passes while no gateway runs.
  await using second = await openTestStore(urlOf(file), machine(wall + 30_000 + wallStep, sinceBoot + 30_000))
  expect(second.clock.monotonic()).toBe(closed + 30_000)
  expect(second.clock.now()).toBe(wall + 30_000 + wallStep)
  const dueNow = async () => (await takeDue(second.tasks, second.clock.monotonic(), 9)).map(({ task }) => task.id)
  expect(await dueNow()).toEqual([])
  expect((await second.tasks.nextDueMono())! - second.clock.monotonic()).toBe(30_000)
  expect((await takeDue(second.tasks, second.clock.monotonic() + 30_000, 9))[0]?.task.id).toBe(task.id)
})

test('does not count the downtime over a boot of the machine, and never goes back', async () => {
  const file = await newDatabase()
  const first = await openTestStore(urlOf(file), machine(0, 900_000))
  const closed = first.clock.monotonic()
  await first[Symbol.asyncDispose]()
  meddle(file, db => db.exec("UPDATE gateway SET boot_id = 'another boot'"))
  await using second = await openTestStore(urlOf(file), machine(HOUR_MS, 100))
  expect(second.clock.monotonic()).toBe(closed)
})

test('is never behind the log, as after a crash between two heartbeats', async () => {
  const file = await newDatabase()
  const first = await openTestStore(urlOf(file), machine(0, 1_000))
  await queue(first.tasks, newTask({ queuedMono: 7_777_777 }))
  await first[Symbol.asyncDispose]()
  meddle(file, db => db.exec("UPDATE gateway SET boot_id = 'another boot'"))
  await using second = await openTestStore(urlOf(file), machine(0, 1_000))
  expect(second.clock.monotonic()).toBe(7_777_777)
})

test('writes a heartbeat every ten seconds', async () => {
  const file = await newDatabase()
  const clock = createManualClock()
  await using store = await openTestStore(urlOf(file), clock)
  const start = store.clock.monotonic()
  const saved = () => meddle(file, db => db.prepare('SELECT mono FROM gateway').pluck().get())
  const opened = saved()
  await clock.advance(9_999)
  expect(saved()).toBe(opened)
  await clock.advance(10_000)
  expect(saved()).toBeGreaterThan(Number(opened) + 9_999)
  expect(store.clock.monotonic() - start).toBe(19_999)
})

test('moves with the machine and not with its wall clock', () => {
  let [now, system] = [1_000_000, 50]
  const systemClock = { now: () => now, monotonic: () => system, sleep: async () => {} }
  const clock = createDurableClock(systemClock, { bootId: 'a', systemMono: 40, mono: 400 }, 0, 'a')
  expect(clock.monotonic()).toBe(410)
  now -= HOUR_MS
  system += 5
  expect([clock.now(), clock.monotonic()]).toEqual([now, 415])
  // A machine that reports the same boot and an earlier time, such as a restored snapshot, does not turn time back.
  expect(createDurableClock(systemClock, { bootId: 'a', systemMono: 9_000, mono: 400 }, 0, 'a').monotonic()).toBe(400)
})
