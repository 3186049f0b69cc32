import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AcceleratedClock } from './accelerated-clock.js'
import type { ChaosDatabase } from './chaos-database.js'
import type { CrashPoints } from './crash-points.js'
import type { Dice, RollDice } from './dice.js'
import type { GatewayHost } from './gateway-host.js'
import type { MisbehavingJogg } from './misbehaving-jogg.js'
import type { Strike, StrikeName } from './misfortunes.js'
import { backUpDatabase, type History, readDatabase } from './read-database.js'

/** What the strikes left behind, for the verdict. */
export interface StrikeRecord {
  /** How often each was carried out. */
  readonly counts: Map<StrikeName, number>
  /** The logs that a restored backup replaced, each with the number of the last step that the backup still had. */
  readonly restores: Restore[]
  /** What second gateways on the same database ended with; null: one served. */
  readonly seconds: { readonly pid: number | undefined; readonly error: string | null }[]
  /** The parts of the log that were written while the upstream was out of order. */
  readonly outages: { readonly fromSeq: number; readonly toSeq: number }[]
}

export interface Restore {
  readonly lost: History
  readonly keptSeq: number
  /**
   * Whether the gateway can notice it: it records how far it has come before each submit, and otherwise every 10 s. A
   * backup that lacks only what came after the last record looks like the present.
   */
  readonly isNoticeable: boolean
}

export interface StrikeParts {
  /** The gateway that is struck. */
  host: GatewayHost
  hosts: readonly GatewayHost[]
  database: ChaosDatabase
  jogg: Pick<MisbehavingJogg, 'setOutage'>
  clock: AcceleratedClock
  roll: RollDice
  crashPoints: CrashPoints
  folder: string
  stopping: AbortSignal
}

/** More than the gateway's heartbeat. */
const RECORD_EVERY_MS = 15_000
const POINT_AT_MOST_MS = 1_000
const MINUTE_MS = 60_000
const OUTAGE_MS = 30 * MINUTE_MS
/** An offset of the wall clock: how likely each scale is, and how far it reaches. */
const STEP_SCALES = { seconds: 1, minutes: 1, hours: 1, right: 1 } as const
const STEP_MS = { seconds: MINUTE_MS, minutes: 60 * MINUTE_MS, hours: 24 * 60 * MINUTE_MS, right: 0 } as const

/** Strikes the gateway again and again, mostly in the middle of something, and brings it back each time. */
export async function carryOut(strikes: readonly Strike[], parts: Omit<StrikeParts, 'host'>): Promise<StrikeRecord> {
  const { hosts, clock, roll, crashPoints, stopping } = parts
  const record: StrikeRecord = { counts: new Map(), restores: [], seconds: [], outages: [] }
  for (const [ordinal, { name, point }] of strikes.entries()) {
    const dice = roll('strike', ordinal)
    await sleep(dice.between(100, 700))
    if (point) await crashPoints.next(point, POINT_AT_MOST_MS)
    // Mostly at once: a moment later the answer has arrived.
    if (dice.chance(0.3)) await clock.sleep(dice.between(0, 1_000), stopping)
    if (stopping.aborted) break
    record.counts.set(name, (record.counts.get(name) ?? 0) + 1)
    const host = hosts[Math.floor(dice.between(0, hosts.length))]!
    await ACTIONS[name]({ ...parts, host }, dice, record)
  }
  return record
}

type Action = (parts: StrikeParts, dice: Dice, record: StrikeRecord) => Promise<void>

const ACTIONS: Readonly<Record<StrikeName, Action>> = {
  kill: restartAfter(host => host.kill()),
  stop: restartAfter(host => host.stop()),
  freeze,
  clock: stepClock,
  restore: restoreBackup,
  second: startSecond,
  'full-disk': (parts, dice) => withFault(parts, dice, { diskFull: true }, { diskFull: false }),
  'slow-disk': (parts, dice) => withFault(parts, dice, { flushDelayMs: dice.between(10, 200) }, { flushDelayMs: 0 }),
  outage: breakUpstream,
  cut: ({ database }) => database.cut(),
  database: ({ database }) => database.restart(),
  rolling: restartInTurn,
}

function restartAfter(end: (host: GatewayHost) => Promise<unknown>): Action {
  return async ({ host, clock, stopping }, dice) => {
    await end(host)
    if (dice.chance(0.5)) await clock.sleep(dice.between(0, 20_000), stopping)
    await host.start()
  }
}

async function restartInTurn({ hosts }: StrikeParts) {
  for (const host of hosts) {
    await host.stop()
    await host.start()
  }
}

async function freeze({ host, clock, stopping }: StrikeParts, dice: Dice) {
  host.freeze()
  await clock.sleep(dice.between(500, 60_000), stopping)
  host.thaw()
}

/** Steps the wall clock by up to a day, or puts it right: while the gateway runs, while it is down, or as it starts. */
async function stepClock({ host }: StrikeParts, dice: Dice) {
  const reach = STEP_MS[dice.pick(STEP_SCALES)]
  const offset = Math.round(dice.between(-reach, reach))
  const when = dice.pick({ running: 2, down: 1, starting: 1 })
  if (when === 'running') return host.setWallOffset(offset)
  await host.kill()
  if (when === 'down') host.setWallOffset(offset)
  const started = host.start()
  if (when === 'starting') host.setWallOffset(offset)
  await started
}

/** Takes a backup of the running gateway, lets it go on for a while, and puts the backup back. */
async function restoreBackup({ host, clock, folder, stopping }: StrikeParts, dice: Dice, record: StrikeRecord) {
  const backup = join(folder, 'backup.db')
  await backUpDatabase(host.database, backup)
  await clock.sleep(dice.between(20_000, 60_000), stopping)
  const recordedMono = clock.monotonic() - RECORD_EVERY_MS
  await host.kill()
  const lost = readDatabase(host.database)
  const keptSeq = readDatabase(backup).steps.at(-1)?.seq ?? 0
  const isNoticeable = lost.steps
    .filter(({ seq }) => seq > keptSeq)
    .some(({ mono, stage }) => mono < recordedMono || stage === 'submitting')
  record.restores.push({ lost, keptSeq, isNoticeable })
  // The write-ahead log belongs to the database that is replaced.
  for (const suffix of ['', '-wal', '-shm']) await rm(`${host.database}${suffix}`, { force: true })
  await copyFile(backup, host.database)
  await host.start()
}

/** Starts a second gateway beside one that runs, or is suspended. */
async function startSecond({ host }: StrikeParts, dice: Dice, record: StrikeRecord) {
  const frozen = dice.chance(0.3)
  if (frozen) host.freeze()
  record.seconds.push({ pid: host.pid(), error: await host.startSecond() })
  if (frozen) host.thaw()
}

async function withFault(
  { host, clock, stopping }: StrikeParts,
  dice: Dice,
  fault: Parameters<GatewayHost['order']>[0],
  repair: Parameters<GatewayHost['order']>[0],
) {
  host.order(fault)
  await clock.sleep(dice.between(10_000, 60_000), stopping)
  host.order(repair)
}

async function breakUpstream({ database, jogg, clock, stopping }: StrikeParts, _: Dice, record: StrikeRecord) {
  jogg.setOutage(true)
  const fromSeq = await lastSeq(database)
  await clock.sleep(OUTAGE_MS, stopping)
  record.outages.push({ fromSeq, toSeq: await lastSeq(database) })
  jogg.setOutage(false)
}

async function lastSeq(database: ChaosDatabase): Promise<number> {
  return (await database.read()).steps.at(-1)?.seq ?? 0
}
