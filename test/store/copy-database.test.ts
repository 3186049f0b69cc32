import { pino } from 'pino'
import { expect, test } from 'vitest'
import { copyDatabase } from '../../src/store/copy-database.js'
import { openStore } from '../../src/store/open-store.js'
import type { TaskEvent } from '../../src/tasks/service/task-service.js'
import { newDatabase, openTestStore } from '../support/database.js'
import { openTestGateway } from '../support/gateway.js'
import { startJogg, success } from '../support/jogg.js'
import { createManualClock } from '../support/manual-clock.js'
import { inputNamed } from '../support/nodes.js'
import { describePostgres, newPostgres } from '../support/postgres/database.js'
import { NO_LIMITS } from '../support/store-contract.js'

const log = pino({ level: 'silent' })
const UPLOAD = {
  ...{ mediaId: 'm', name: 'v.mp4', caller: 'acme', sizeBytes: 1, sha256: 'x' },
  ...{ createdAt: 1, expiresMono: 1_000_000_000 },
}

describePostgres('a copy of a SQLite database on Postgres', () => {
  test('has its tasks, history, usage, keys and cursors, and goes on', async () => {
    const from = `file:${await newDatabase()}`
    const to = await newPostgres()
    let settled = (): Promise<unknown> => Promise.resolve()
    const clock = createManualClock(undefined, () => settled())
    await using jogg = await startJogg({ now: clock.now })
    jogg.plays(success())
    const before = await openTestGateway(clock, jogg, { databaseUrl: from })
    settled = before.gateway.settled
    const done = await before.gateway.tasks.create(inputNamed('done'))
    await clock.advance(20_000)
    const cursor = before.gateway.tasks.cursorOf((await before.gateway.tasks.get(done.id))!)
    const open = await before.gateway.tasks.create(inputNamed('open'))
    await before.gateway.settled()
    const history = stepsOf(await before.gateway.tasks.history(done.id))
    const usage = await before.gateway.tasks.usage(1)
    await before.gateway[Symbol.asyncDispose]()
    {
      await using store = await openStore({ databaseUrl: from, dataDir: '.' }, clock, log)
      await store.tasks.createBatch({ id: 'batch-1', caller: 'acme', createdAt: 1 }, [], NO_LIMITS)
      await store.tasks.addUpload(UPLOAD, null)
      await store.keys.create({
        id: 'key-1',
        caller: 'acme',
        hash: 'hash',
        scopes: ['read'],
        limits: { sockets: 3 },
        createdAt: 1,
        expiresAt: null,
      })
    }

    const counts = await copyDatabase({ from, to, clock, log })
    expect(counts.get('batches')).toBe(1)
    expect(counts.get('uploads')).toBe(1)
    expect(counts.get('tasks')).toBe(2)
    await using copied = await openTestStore(to, clock)
    expect(await copied.keys.get('key-1')).toMatchObject({ caller: 'acme', scopes: ['read'], limits: { sockets: 3 } })
    const after = await openTestGateway(clock, jogg, { databaseUrl: to })
    settled = after.gateway.settled
    const { tasks } = after.gateway
    expect(stepsOf(await tasks.history(done.id))).toEqual(history)
    expect(history.at(-1)?.stage).toBe('success')
    expect(await tasks.usage(1)).toEqual(usage)
    const events = await tasks.followAll({ after: cursor })
    expect((await events.next()).value).toMatchObject({ task: { id: open.id, stage: 'queued' } })
    await events.return?.()
    expect((await tasks.create(inputNamed('new'))).seq).toBeGreaterThan(open.seq)
    await after.gateway[Symbol.asyncDispose]()
  })

  test('is refused when the Postgres database is not empty', async () => {
    const from = `file:${await newDatabase()}`
    const to = await newPostgres()
    const clock = createManualClock()
    for (const databaseUrl of [from, to]) await (await openTestStore(databaseUrl, clock))[Symbol.asyncDispose]()
    await expect(copyDatabase({ from, to, clock, log })).rejects.toThrow('is not empty')
  })
})

function stepsOf(events: readonly TaskEvent[]) {
  return events.map(({ at, cursor, task: { stage } }) => ({ at, cursor, stage }))
}
