import { randomBytes } from 'node:crypto'
import { desc, eq, sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { NO_LOCKS } from '../connection.js'
import { createNodes } from '../nodes.js'
import type { Work } from '../statement.js'
import type { StoreState } from '../store-state.js'
import type { SqliteConnection } from './connection.js'
import { type ClockReading, createDurableClock, readBootId } from './durable-clock.js'
import { createEpochFile, type Marks, wentBack } from './epoch-file.js'

const SECONDS_PER_HEARTBEAT = 10
/** How late a step other than a submit is recorded beside the database. A restore that undoes only later ones goes unnoticed. */
const RECORD_MS = 1_000
/** How long the result of a write probe is shared. */
const PROBE_MS = 1_000
/** Tasks of a restored database that are marked in one transaction. */
const MARKED_AT_ONCE = 200

export interface GatewayStateParts {
  readonly connection: SqliteConnection
  /** Null: in memory. */
  readonly path: string | null
  readonly systemClock: Clock
  readonly log: Logger
  /** Treats the database as restored, whatever its marks say. */
  readonly restored: boolean
}

/** Counts this start, and finds out whether the database went back in time since the last one. */
export async function openGatewayState(parts: GatewayStateParts): Promise<StoreState> {
  const { connection, path, systemClock, log } = parts
  const { db, tables, prepare, prepareSql, read, write, writeUnsynced } = connection
  const { gateway, submitQueue, transitions } = tables
  const { placeholder } = sql
  const isRow = eq(gateway.id, 1)
  const nodes = createNodes(connection, systemClock.now())
  const file = path === null ? null : createEpochFile(path)
  const bootId = readBootId()
  const row = prepare(db.select().from(gateway).where(isRow))
  const end = prepare(
    db
      .select({ seq: transitions.seq, mono: transitions.mono })
      .from(transitions)
      .orderBy(desc(transitions.seq))
      .limit(1),
  )
  const addSubmit = prepare(
    db
      .update(gateway)
      .set({ submits: sql`${gateway.submits} + 1` })
      .where(isRow),
  )
  const insertFirst = prepare(
    db
      .insert(gateway)
      .values({
        ...{ id: 1, starts: 0, submits: 0, epoch: placeholder('epoch') },
        ...{ bootId: placeholder('bootId'), systemMono: placeholder('mono'), mono: placeholder('mono') },
      })
      .onConflictDoNothing(),
  )
  const saveReading = prepare(
    db
      .update(gateway)
      .set({
        bootId: sql`${placeholder('bootId')}`,
        systemMono: sql`${placeholder('systemMono')}`,
        mono: sql`${placeholder('mono')}`,
      })
      .where(isRow),
  )
  const forgetPause = prepare(db.delete(submitQueue))
  const saveStart = prepare(
    db
      .update(gateway)
      .set({ epoch: sql`${placeholder('epoch')}`, starts: sql`${gateway.starts} + 1` })
      .where(isRow),
  )

  await write(NO_LOCKS, () => insertFirst.run({ epoch: newEpoch(), bootId, mono: systemClock.monotonic() }))

  function* readMarks(): Work<Marks & ClockReading & { lastMono: number }> {
    const last = yield* end.get()
    return { ...(yield* row.get())!, seq: last?.seq ?? 0, lastMono: last?.mono ?? 0 }
  }

  const before = await read(readMarks)
  const restored = (file !== null && wentBack(before, file.read())) || (parts.restored && before.starts > 0)
  const epoch = restored ? newEpoch() : before.epoch
  const clock = createDurableClock(systemClock, before, before.lastMono, bootId)
  const readings = (): ClockReading => ({ bootId, systemMono: systemClock.monotonic(), mono: clock.monotonic() })

  // Before the new epoch is written: a start that is cut off finds the database restored again.
  if (restored) await markQueued()
  await write(NO_LOCKS, function* () {
    yield* saveStart.run({ epoch })
    yield* saveReading.run({ ...readings() })
    // The lock of the database says that no other gateway is open on it.
    yield* nodes.forgetBefore(Number.MAX_SAFE_INTEGER)
    yield* forgetPause.run()
    yield* nodes.beat(clock.monotonic())
  })

  let recordedSeq = -1
  async function record() {
    if (!file) return
    const { starts, submits, seq } = await read(readMarks)
    await file.write({ epoch, starts, submits, seq })
    recordedSeq = seq
  }
  await record()
  if (restored) {
    log.warn(
      { database: path },
      'the database is older than what was last written to it, as after restoring a backup: queued tasks are looked up upstream before they are submitted, and earlier cursors are rejected',
    )
  }

  /** Gives each queued task `lookupFirst`, in batches between which the event loop turns. */
  async function markQueued() {
    const page = prepareSql<{ at: number; id: string }>(`
      SELECT created_at AS at, id FROM tasks
      WHERE stage = 'queued' AND (created_at, id) > (@at, @id) ORDER BY created_at, id LIMIT ${MARKED_AT_ONCE}`)
    const mark = prepareSql('UPDATE tasks SET lookup_first = 1 WHERE id IN (SELECT value FROM json_each(@ids))')
    for (let last: { at: number; id: string } | undefined = { at: Number.MIN_SAFE_INTEGER, id: '' }; last; ) {
      const rows: { at: number; id: string }[] = await read(() => page.all({ ...last }))
      await writeUnsynced(NO_LOCKS, () => mark.run({ ids: JSON.stringify(rows.map(row => row.id)) }))
      last = rows.at(-1)
      await new Promise(setImmediate)
    }
  }

  function beat() {
    return writeUnsynced(NO_LOCKS, () => saveReading.run({ ...readings() }))
  }

  function sign() {
    return writeUnsynced(NO_LOCKS, () => nodes.beat(clock.monotonic()))
  }

  const stopping = new AbortController()
  async function keepBeating() {
    for (let second = 1; !stopping.signal.aborted; second++) {
      await systemClock.sleep(RECORD_MS, stopping.signal)
      try {
        if (second % SECONDS_PER_HEARTBEAT === 0 || stopping.signal.aborted) await Promise.all([beat(), sign()])
        if ((await read(readMarks)).seq !== recordedSeq) await record()
      } catch (thrown) {
        log.error({ err: thrown, database: path }, 'the heartbeat could not be written')
      }
    }
  }
  const beating = file ? keepBeating() : Promise.resolve()

  let probe: { readonly mono: number; readonly result: Promise<void> } | null = null

  return {
    epoch,
    restored,
    clock,
    submits: { add: () => addSubmit.run(), record },
    nodes: nodes.list,
    check() {
      const mono = clock.monotonic()
      if (!probe || mono - probe.mono >= PROBE_MS) probe = { mono, result: beat() }
      return probe.result
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      // The last heartbeat is written as the loop ends.
      await beating
    },
  }
}

function newEpoch(): string {
  return randomBytes(6).toString('hex')
}
