import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createTaskStore } from '../../src/store/create-task-store.js'
import { openPostgres } from '../../src/store/postgres/open-postgres.js'
import type { Closers } from '../../src/store/store-state.js'
import type { TaskStore } from '../../src/tasks/task-store.js'
import { createManualClock } from '../support/manual-clock.js'
import { describePostgres, newPostgres, query } from '../support/postgres/database.js'
import {
  CANCELED,
  NO_LIMITS,
  newTask,
  queue,
  step,
  submitted,
  submitting,
  succeeded,
} from '../support/store-contract.js'

describePostgres('the plans of Postgres', () => {
  test('no statement has to read a large table row by row or to sort it', async () => {
    const url = await newPostgres()
    const closers: Closers = []
    const config = { databaseUrl: url, dataDir: '.' }
    const { connection, state } = await openPostgres(config, createManualClock(), pino({ level: 'silent' }), closers)
    const statements = new Map<string, readonly unknown[]>()
    const store = createTaskStore(observed(connection, statements), state, async () => {
      for (const close of closers.reverse()) await close()
    })
    const done = await succeeded(store, await queue(store), 'up-1')
    const sent = await submitted(store, await queue(store), 'up-2')
    const unanswered = await submitting(store, await queue(store))
    await step(store, unanswered, 'queued', {})
    await step(store, await queue(store), 'canceled', CANCELED)
    await store.create(newTask({ idempotencyKey: 'k', retryOf: 'r' }), {
      ...{ createsPerMinute: 9, waitingTasks: 9, monthlyCents: 9 },
    })
    await store.createBatch({ id: 'b', caller: 'me', createdAt: 1 }, [newTask({ batchId: 'b' })], {
      ...{ createsPerMinute: 9, waitingTasks: 9, monthlyCents: 9 },
    })
    await store.createBatch({ id: 'b', caller: 'me', createdAt: 1 }, [newTask({ idempotencyKey: 'k' })], NO_LIMITS)
    await store.batch('b')
    await store.batchCounts('b')
    await useUploads(store)
    const ranges = [{}, { newerThan: done.id }, { olderThan: done.id, createdBefore: 9 }]
    const filters = [{}, { reference: 'r' }, { statuses: ['PENDING'] as const }, { retryOf: 'r' }]
    for (const whose of [{}, { caller: 'me' }])
      for (const filter of filters)
        for (const bounds of ranges)
          for (const oldestFirst of [true, false])
            await store.page({ ...whose, ...filter, ...bounds, oldestFirst, limit: 9 })
    for (const filter of [
      {},
      { caller: 'me' },
      { reference: 'r' },
      { caller: 'me', reference: 'r' },
      { batchId: 'b' },
    ]) {
      await store.transitionsAfter(0, { filter, limit: 9 })
      await store.lastSeq({ filter })
    }
    await store.transitionsAfter(0, { taskId: sent.id, limit: 9 })
    await store.lastSeq({ taskId: sent.id })
    await store.getMany([done.id])
    await store.earlier({ caller: 'me', idempotencyKey: 'k', retryOf: 'r' })
    await store.nextToSubmit()
    await store.callerQueues()
    await store.queuedBefore([await queue(store)])
    await store.expiredQueued(1, 9)
    await store.oldestQueued()
    await store.submitting()
    await store.recentSubmits(9)
    await store.counts()
    await store.owns('up')
    await store.takeDue({ nowMono: 1, leaseMs: 1, limit: 9, except: ['x'] })
    await store.pollStates([sent.id])
    await store.nextDueMono()
    await store.savePollStates([
      { task: sent, poll: { dueMono: 1, checks: 1, failures: 1, absences: 1, problem: null } },
    ])
    await store.usage({ months: 9 })
    await store.usage({ caller: 'me', months: 9 })

    expect(statements.size).toBeGreaterThan(70)
    for (const [sql, values] of statements) {
      if (!/^\s*(select|insert|update|delete|with)/i.test(sql) || /pg_advisory|pg_control|clock_timestamp/.test(sql))
        continue
      const plan = await explain(url, sql, values)
      for (const line of plan) {
        const what = `${line.trim()} — ${sql}`
        if (/Seq Scan/.test(line) && !/Seq Scan on (gateway|nodes|submit_queue)/.test(line))
          expect(what).toBe('no scan')
        // The few tasks whose positions are asked for are sorted, and those that were taken; nothing else is.
        if (/\bSort\b/.test(line) && !/unnest|SKIP LOCKED/.test(sql)) expect(what).toBe('no sort')
      }
    }
    await store[Symbol.asyncDispose]()
  })
})

async function useUploads(store: TaskStore): Promise<void> {
  const upload = { mediaId: 'm', name: 'v.mp4', caller: 'me', sizeBytes: 1, sha256: 'x', createdAt: 1, expiresMono: 1 }
  await store.addUpload(upload, 9)
  await store.upload('m')
  await store.uploadOfContent('x')
  await store.keepUpload('m', 1)
  await store.expireUploads(9, 10, 9)
  await store.dropUpload('m')
  await store.nextExpiryMono()
  await store.addUpstreamAsset('x', 'up', 'https://up.example/1')
  await store.endAssetCall(await store.beginAssetCall(1), 2)
  await store.recentAssetCalls(9)
}

type Opened = Awaited<ReturnType<typeof openPostgres>>['connection']

/** The connection, noting each statement that runs with its values. */
function observed(connection: Opened, statements: Map<string, readonly unknown[]>): Opened {
  const wrap =
    (run: Opened['read']): Opened['read'] =>
    work =>
      run(function* () {
        const steps = work()[Symbol.iterator]()
        let step = steps.next([])
        while (!step.done) {
          statements.set(step.value.sql, step.value.values)
          step = steps.next(yield step.value)
        }
        return step.value
      })
  return {
    ...connection,
    read: wrap(connection.read),
    readSnapshot: wrap(connection.readSnapshot),
    readDurable: wrap(connection.readDurable),
    readDurableSnapshot: wrap(connection.readDurableSnapshot),
    write: (locks, work) => wrap(inner => connection.write(locks, inner))(work),
    writeUnsynced: (locks, work) => wrap(inner => connection.writeUnsynced(locks, inner))(work),
  }
}

/** The plan for these values. What is switched off is used only where nothing else is possible. */
async function explain(url: string, sql: string, values: readonly unknown[]): Promise<string[]> {
  const literal = (value: unknown): string => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`
    return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
  }
  const filled = sql.replace(/\$(\d+)/g, (_, n: string) => literal(values[Number(n) - 1]))
  const settings = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;'
  const rows = await query(url, `${settings} EXPLAIN ${filled}`)
  return rows.map(row => String(row['QUERY PLAN']))
}
