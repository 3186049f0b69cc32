import { readdirSync, readFileSync } from 'node:fs'
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { openStore } from '../../src/store/open-store.js'
import { connectPostgres } from '../../src/store/postgres/open-postgres.js'
import * as tables from '../../src/store/postgres/tables.js'
import type { TaskStore } from '../../src/tasks/task-store.js'
import { openTestStore } from '../support/database.js'
import { createManualClock } from '../support/manual-clock.js'
import { describePostgres, newPostgres, query } from '../support/postgres/database.js'
import {
  describeStore,
  NO_LIMITS,
  newTask,
  queue,
  step,
  submitted,
  submitting,
  takeDue,
} from '../support/store-contract.js'

const silent = pino({ level: 'silent' })

describePostgres('Postgres', () => {
  describeStore('Postgres', async () => (await openTestStore(await newPostgres())).tasks)

  /** Two gateways on one database. */
  async function openTwo() {
    const url = await newPostgres()
    const clock = createManualClock()
    const [one, other] = [await openTestStore(url, clock), await openTestStore(url, clock)]
    return {
      url,
      clock,
      one,
      other,
      async [Symbol.asyncDispose]() {
        await one[Symbol.asyncDispose]()
        await other[Symbol.asyncDispose]()
      },
    }
  }

  async function followAll(reader: TaskStore, query: Parameters<TaskStore['lastSeq']>[0], isOver: () => boolean) {
    const seen: number[] = []
    for (let last = 0; ; ) {
      const wasOver = isOver()
      const page = await reader.transitionsAfter(last, { ...query, limit: 50 })
      for (const { task } of page) seen.push(task.seq)
      last = seen.at(-1) ?? 0
      if (page.length === 0 && wasOver) return seen
    }
  }

  test('a follower of a caller or of a task never skips a step, however slow the writers of two gateways are', async () => {
    await using two = await openTwo()
    const slow = await slowWrites(two.url)
    const followed = await queue(two.one.tasks, newTask({ videoUrl: 'https://m.example/followed' }))
    let writing = true
    const followers = [
      followAll(two.one.tasks, { filter: { caller: 'me' } }, () => !writing),
      followAll(two.other.tasks, { filter: { caller: 'me' } }, () => !writing),
      followAll(two.other.tasks, { filter: { caller: 'them' } }, () => !writing),
      followAll(two.one.tasks, { taskId: followed.id }, () => !writing),
    ]
    const write = async (store: TaskStore, caller: string, i: number) => {
      const task = await queue(store, newTask({ caller, videoUrl: `https://m.example/${caller}/${i}` }))
      await submitting(store, task)
    }
    const move = async (store: TaskStore) => {
      for (let i = 0; i < 6; i++) {
        const task = await store.get(followed.id)
        if (task?.stage === 'queued') await submitting(store, task)
        if (task?.stage === 'submitting') await step(store, task, 'queued', {})
      }
    }
    await Promise.all([
      ...Array.from({ length: 60 }, (_, i) => write((i % 2 ? two.one : two.other).tasks, i % 3 ? 'me' : 'them', i)),
      move(two.one.tasks),
      move(two.other.tasks),
    ])
    writing = false
    const [mine, mineElsewhere, theirs, ofTask] = await Promise.all(followers)
    const all = async (filter: object) =>
      (await two.one.tasks.transitionsAfter(0, { filter, limit: 1_000 })).map(({ task }) => task.seq)
    expect(mine?.length).toBeGreaterThan(80)
    expect(mine).toEqual(await all({ caller: 'me' }))
    expect(mineElsewhere).toEqual(mine)
    expect(theirs).toEqual(await all({ caller: 'them' }))
    expect(ofTask).toEqual(await all({ ids: [followed.id] }))
    expect(await slow.count()).toBeGreaterThan(0)
  })

  test('one of two gateways takes a due task; the other takes it when the lease is over', async () => {
    await using two = await openTwo()
    const task = await submitted(two.one.tasks, await queue(two.one.tasks), 'up', 5_000)
    const query = { nowMono: 6_000, leaseMs: 30_000, limit: 9 }
    const taken = await Promise.all([two.one.tasks.takeDue(query), two.other.tasks.takeDue(query)])
    expect(taken.flat()).toEqual([{ task, poll: expect.objectContaining({ dueMono: 5_000 }) }])
    expect(await two.other.tasks.nextDueMono()).toBe(36_000)
    expect(await two.other.tasks.takeDue({ ...query, nowMono: 35_999 })).toEqual([])
    expect(await two.other.tasks.takeDue({ ...query, nowMono: 36_000 })).toHaveLength(1)
  })

  test('limits are exact over two gateways', async () => {
    await using two = await openTwo()
    const create = (i: number) =>
      (i % 2 ? two.one : two.other).tasks.create(newTask({ videoUrl: `https://m.example/${i}`, reservedCents: 10 }), {
        ...NO_LIMITS,
        waitingTasks: 4,
        monthlyCents: 30,
      })
    const made = await Promise.all(Array.from({ length: 12 }, (_, i) => create(i)))
    expect(made.filter(task => 'id' in task)).toHaveLength(3)
  })

  test('both gateways are listed, and one that has left no longer', async () => {
    await using two = await openTwo()
    expect(await two.one.tasks.nodes()).toHaveLength(2)
    await two.other[Symbol.asyncDispose]()
    expect(await two.one.tasks.nodes()).toHaveLength(1)
  })

  test('five gateways that start at once on an empty database all open it', async () => {
    const url = await newPostgres()
    const opened = await Promise.all(Array.from({ length: 5 }, () => openTestStore(url)))
    expect(new Set(opened.map(store => store.epoch)).size).toBe(1)
    for (const store of opened) await store[Symbol.asyncDispose]()
  })

  test('a database that lost a step that a gateway has seen gets a new epoch on all gateways', async () => {
    await using two = await openTwo()
    const { clock, one, other, url } = two
    const kept = await queue(one.tasks)
    const lost = await queue(other.tasks, newTask({ videoUrl: 'https://m.example/lost' }))
    await until(clock, async () => one.epoch === other.epoch && (await one.tasks.nodes()).length === 2)
    const epoch = one.tasks.epoch
    await query(url, 'DELETE FROM transitions WHERE task_id = $1', [lost.id])
    await query(url, 'DELETE FROM tasks WHERE id = $1', [lost.id])
    await until(clock, async () => one.epoch !== epoch && other.epoch === one.epoch)
    expect(one.tasks.restored).toBe(true)
    expect(await other.tasks.get(kept.id)).toMatchObject({ lookupFirst: true })
  })

  test('a database whose server began another history while no gateway ran gets a new epoch', async () => {
    const url = await newPostgres()
    const first = await openTestStore(url)
    const task = await queue(first.tasks)
    const { epoch } = first
    await first[Symbol.asyncDispose]()
    const second = await openTestStore(url)
    expect([second.epoch, second.restored]).toEqual([epoch, false])
    await second[Symbol.asyncDispose]()
    await query(url, "UPDATE gateway SET boot_id = 'another'")
    await using third = await openTestStore(url)
    expect(third.restored).toBe(true)
    expect(third.epoch).not.toBe(epoch)
    expect(await third.tasks.get(task.id)).toMatchObject({ lookupFirst: true })
  })

  test('the monotonic time is the time of the database, and never goes back', async () => {
    await using store = await openStore({ databaseUrl: await newPostgres(), dataDir: '.' }, systemClock, silent)
    expect(Math.abs(store.clock.monotonic() - Date.now())).toBeLessThan(2_000)
    let last = 0
    for (let i = 0; i < 1_000; i++) {
      const now = store.clock.monotonic()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })

  test('repeats a transaction that met a deadlock', async () => {
    const url = await newPostgres()
    const connection = await connectPostgres(url, silent)
    const set = connection.prepareSql(
      'INSERT INTO secrets VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = @value',
    )
    const both = (first: string, second: string) =>
      connection.write({}, function* () {
        yield* set.run({ name: first, value: 'x' })
        yield* set.run({ name: second, value: 'x' })
      })
    await both('a', 'b')
    await Promise.all(Array.from({ length: 4 }, (_, i) => (i % 2 ? both('a', 'b') : both('b', 'a'))))
    await connection.close()
  })

  test('goes on after its connections were cut', async () => {
    const url = await newPostgres()
    await using store = await openTestStore(url)
    await queue(store.tasks)
    await query(
      url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lipsync-gateway'",
    )
    // The first use of a connection that was cut may fail.
    await store.tasks.counts().catch(() => {})
    await expect.poll(() => store.tasks.counts().catch(() => null)).toMatchObject({ queued: 1 })
  })

  test('rejects a database of a newer version, and one that does not answer, without the password', async () => {
    const url = await newPostgres()
    await (await openTestStore(url))[Symbol.asyncDispose]()
    await query(url, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e15::bigint)")
    await expect(openTestStore(url)).rejects.toThrow('was written by a newer version of lipsync-gateway')
    const opening = openTestStore('postgres://me:hunter2@127.0.0.1:1/lipsync')
    await expect(opening).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('"lipsync" on 127.0.0.1:1'),
    })
    await expect(opening).rejects.not.toThrow('hunter2')
    await expect(openTestStore('postgres://me:hunter2@[bad/x')).rejects.toThrow('DATABASE_URL is not a valid')
  })

  test('strips the NUL characters that Postgres cannot store', async () => {
    await using store = await openTestStore(await newPostgres())
    const task = await queue(store.tasks, newTask({ reference: 'a\0b' }))
    expect(await store.tasks.get(task.id)).toMatchObject({ reference: 'ab' })
  })

  test('takes a lease of no time for a task that stays due', async () => {
    await using store = await openTestStore(await newPostgres())
    const task = await submitted(store.tasks, await queue(store.tasks), 'up', 5_000)
    expect((await takeDue(store.tasks, 5_000, 9)).map(polled => polled.task)).toEqual([task])
    expect(await takeDue(store.tasks, 5_000, 9)).toHaveLength(1)
  })
})

/** Makes some inserts of steps take much longer than others, between their number and their commit. */
async function slowWrites(url: string) {
  await query(
    url,
    `CREATE SEQUENCE slow_writes;
     CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF NEW.seq % 3 = 0 THEN PERFORM nextval('slow_writes'), pg_sleep(0.02); END IF;
       RETURN NEW;
     END $$;
     CREATE TRIGGER slow AFTER INSERT ON transitions FOR EACH ROW EXECUTE FUNCTION slow()`,
  )
  return { count: async () => Number((await query(url, 'SELECT last_value AS count FROM slow_writes'))[0]?.count) }
}

/** Moves the time on until something has happened. */
async function until(clock: ReturnType<typeof createManualClock>, hasHappened: () => Promise<boolean>) {
  await expect
    .poll(
      async () => {
        await clock.advance(1_000)
        return hasHappened()
      },
      { timeout: 20_000 },
    )
    .toBe(true)
}

test('the migrations of Postgres lead to exactly the tables in the code', async () => {
  const folder = new URL('../../drizzle/postgres/meta/', import.meta.url)
  const latest = readdirSync(folder)
    .filter(name => name.endsWith('_snapshot.json'))
    .sort()
    .at(-1)
  const migrated = JSON.parse(readFileSync(new URL(latest!, folder), 'utf8'))
  expect(await generateMigration(migrated, generateDrizzleJson({ ...tables }))).toEqual([])
})
