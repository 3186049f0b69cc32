import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { StoreError } from '../../tasks/store-error.js'
import { type Connection, NO_LOCKS } from '../connection.js'
import { createNodes } from '../nodes.js'
import type { Work } from '../statement.js'
import type { StoreState } from '../store-state.js'
import { openDatabaseClock } from './database-clock.js'
import { standbyMessage } from './errors.js'

const BEAT_MS = 1_000
/** How long the result of a write probe is shared. */
const PROBE_MS = 1_000
const BEATS_PER_CLEANING = 600
/** With the submit queue, so that no task leaves it while its tasks are marked. */
const HISTORY = { history: true, submitQueue: true }

/**
 * Identifies the history that the server writes: its cluster, its timeline, which a promoted standby and a recovery to a
 * point in time begin anew, and the database, which a restored dump creates anew.
 */
const IDENTITY = `
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
    || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS identity`

export interface PostgresStateParts {
  readonly connection: Connection
  /** Names the database. */
  readonly name: string
  readonly systemClock: Clock
  readonly log: Logger
  /** Treats the database as restored. */
  readonly restored: boolean
}

/** A step of the log. */
interface Mark {
  readonly seq: number
  readonly taskId: string
  readonly at: number
}

/**
 * The state of one of the gateways on a Postgres database.
 *
 * The database went back in time when its identity has changed while no gateway was running, or when a step that a
 * running gateway has seen is no longer in the log: then a standby that was behind took over, or a backup was restored
 * under it. The gateways go on with a new epoch, which rejects the cursors of the lost history, and look up every queued
 * task before they submit it.
 */
export async function openPostgresState(parts: PostgresStateParts): Promise<StoreState> {
  const { connection, name, systemClock, log } = parts
  const { prepareSql, read, write, writeUnsynced } = connection
  const time = prepareSql<{ ms: number }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms')
  const row = prepareSql<{ epoch: string; starts: number; identity: string }>(
    'SELECT epoch, starts, boot_id AS identity FROM gateway WHERE id = 1',
  )
  const insertRow = prepareSql(`
    INSERT INTO gateway (id, epoch, starts, submits, boot_id, system_mono, mono) VALUES (1, @epoch, 0, 0, @identity, 0, 0)
    ON CONFLICT DO NOTHING`)
  const saveEpoch = prepareSql('UPDATE gateway SET epoch = @epoch, boot_id = @identity WHERE id = 1')
  const countStart = prepareSql('UPDATE gateway SET starts = starts + 1 WHERE id = 1')
  const markQueued = prepareSql("UPDATE tasks SET lookup_first = true WHERE stage = 'queued' AND NOT lookup_first")
  const isStandby = prepareSql<{ is: boolean }>('SELECT pg_is_in_recovery() AS is')
  const lastStep = prepareSql<Mark>('SELECT seq, task_id AS "taskId", at FROM transitions ORDER BY seq DESC LIMIT 1')
  const stepIs = prepareSql<{ seq: number }>(
    'SELECT seq FROM transitions WHERE seq = @seq AND task_id = @taskId AND at = @at',
  )

  const readTime = async () => (await read(() => time.get()))!.ms
  const databaseClock = systemClock.isShared ? null : await openDatabaseClock(systemClock, readTime)
  const clock = databaseClock ?? systemClock
  const nodes = createNodes(connection, systemClock.now())
  /** Where the server does not show its identity, only running gateways notice that the database went back. */
  const identity = prepareSql<{ identity: string }>(IDENTITY)
  const readIdentity = () =>
    read(() => identity.get()).then(
      found => found?.identity ?? '',
      () => '',
    )

  function* begin(current: string): Work<{ epoch: string; isRestored: boolean }> {
    yield* insertRow.run({ epoch: newEpoch(), identity: current })
    const before = (yield* row.get())!
    const hasMoved = current !== '' && before.identity !== '' && before.identity !== current
    const isRestored = hasMoved || (parts.restored && before.starts > 0)
    const epoch = isRestored ? newEpoch() : before.epoch
    if (isRestored) yield* markQueued.run()
    yield* saveEpoch.run({ epoch, identity: current || before.identity })
    yield* countStart.run()
    yield* nodes.beat(clock.monotonic())
    return { epoch, isRestored }
  }

  let knownIdentity = await readIdentity()
  const begun = await write(HISTORY, () => begin(knownIdentity))
  let { epoch, isRestored: restored } = begun
  let seen: Mark | undefined = await read(() => lastStep.get())
  if (restored) warn()

  function warn() {
    log.warn(
      { database: name, epoch },
      'the database is older than what was last written to it, as after restoring a backup or a fail-over to a standby that was behind: queued tasks are looked up upstream before they are submitted, and earlier cursors are rejected',
    )
  }

  /** The first gateway that notices begins the new history; the others find its epoch. */
  function* beginHistory(current: string): Work<string> {
    const before = (yield* row.get())!
    if (before.epoch !== epoch) return before.epoch
    const next = newEpoch()
    yield* markQueued.run()
    yield* saveEpoch.run({ epoch: next, identity: current || before.identity })
    return next
  }

  async function checkHistory() {
    const mark = seen
    const isLost = mark !== undefined && (await read(() => stepIs.get({ ...mark }))) === undefined
    const current = await readIdentity()
    const stored = (await read(() => row.get()))?.epoch ?? epoch
    if (isLost || stored !== epoch) {
      epoch = await write(HISTORY, () => beginHistory(current))
      restored = true
      seen = undefined
      knownIdentity = current
      warn()
    } else if (current !== '' && current !== knownIdentity) {
      // A standby that had everything took over.
      await write(HISTORY, () => saveEpoch.run({ epoch, identity: current }))
      knownIdentity = current
    }
    seen = await read(() => lastStep.get())
  }

  const sign = () => writeUnsynced(NO_LOCKS, () => nodes.beat(clock.monotonic()))

  const stopping = new AbortController()
  async function keepBeating() {
    let lostAt: number | null = null
    for (let beat = 1; !stopping.signal.aborted; beat++) {
      await systemClock.sleep(BEAT_MS, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await databaseClock?.synchronise()
        await checkHistory()
        await sign()
        if (beat % BEATS_PER_CLEANING === 0) await writeUnsynced(NO_LOCKS, () => nodes.forgetLost(clock.monotonic()))
        if (lostAt !== null)
          log.info({ database: name, lostMs: systemClock.monotonic() - lostAt }, 'the database can be written again')
        lostAt = null
      } catch (thrown) {
        if (lostAt !== null) continue
        lostAt = systemClock.monotonic()
        log.error({ err: thrown, database: name }, 'the heartbeat could not be written')
      }
    }
  }
  const beating = keepBeating()

  async function probeWrite() {
    if ((await read(() => isStandby.get()))?.is) throw new StoreError('failed', standbyMessage(name))
    await sign()
  }
  let probe: { readonly mono: number; readonly result: Promise<void> } | null = null

  return {
    get epoch() {
      return epoch
    },
    get restored() {
      return restored
    },
    clock,
    submits: {
      // Between a fail-over and the next heartbeat nothing may be submitted that was submitted before.
      *add() {
        if (seen && !(yield* stepIs.get({ ...seen })))
          throw new StoreError('failed', `The database ${name} went back in time; the gateway is finding out how far.`)
      },
      async record() {
        seen = (await read(() => lastStep.get())) ?? seen
      },
    },
    nodes: nodes.list,
    check() {
      const mono = systemClock.monotonic()
      if (!probe || mono - probe.mono >= PROBE_MS) probe = { mono, result: probeWrite() }
      return probe.result
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await beating
      await nodes.leave().catch(() => {})
    },
  }
}

function newEpoch(): string {
  return randomBytes(6).toString('hex')
}
