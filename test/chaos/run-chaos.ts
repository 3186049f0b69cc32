import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAcceleratedClock, startTimeBase } from './accelerated-clock.js'
import { bundleGatewayProcess } from './bundle.js'
import { type DatabaseName, openChaosDatabase } from './chaos-database.js'
import { type Clients, createClients, newClientRecord } from './clients.js'
import { createCrashPoints } from './crash-points.js'
import { createDice } from './dice.js'
import { type FollowerRecord, follow, latestChapter, newFollowerRecord } from './follower.js'
import { type GatewayHost, startGatewayHost } from './gateway-host.js'
import { type MisbehavingJogg, startMisbehavingJogg } from './misbehaving-jogg.js'
import { MISFORTUNES_OF, type Misfortune, planStrikes } from './misfortunes.js'
import { planOrders } from './plan.js'
import type { History } from './read-database.js'
import { carryOut } from './strikes.js'
import { type Evidence, judge, type Verdict } from './verdict.js'

export interface ChaosOptions {
  /** Decides what goes wrong, and when. */
  readonly seed: number
  /** How many orders are placed. */
  readonly tasks: number
  /** How often the gateway is killed with -9. Other misfortunes are rarer. */
  readonly kills: number
  /** How long the run may take, in real seconds. */
  readonly seconds: number
  /** How many times faster than real time the run goes: with 20, a minute takes 3 seconds. */
  readonly speed: number
  /** @default 'sqlite' */
  readonly database?: DatabaseName
  /** How many gateways run on the database. @default 1 */
  readonly nodes?: number
  /** What may go wrong beside the network. @default all that the database allows */
  readonly only?: readonly Misfortune[]
  /** Keeps the folder with the database and the gateway's log. @default false */
  readonly keep?: boolean
}

export interface ChaosReport {
  readonly verdicts: readonly Verdict[]
  readonly evidence: Evidence
  readonly folder: string
  /** The number of gateways that ran, one after the other. */
  readonly starts: number
  /** What the upstream did, and how often. */
  readonly played: ReadonlyMap<string, number>
  /** Whether every task reached its end in time. */
  readonly drained: boolean
  readonly realSeconds: number
  readonly minutes: number
}

const SUBMITS_PER_MINUTE = 20
const BETWEEN_CHECKS_MS = 150
const FOLLOWERS_OF_ALL = 3
/** The share of inputs with odd answers, among other misfortunes and alone. */
const ODD_SHARE = 0.25
/** The end of every problem that the gateway cannot settle by itself. */
const FOR_A_PERSON = 'a person has to resolve'
/** How long the followers have at the end to receive the rest. */
const CATCH_UP_MS = 4_000
/** When the answer of a submit has certainly been lost with its gateway, and 5 s to notice it. */
const TAKEN_OVER_MS = 45_000
/** What a crashed server, or a gateway that is frozen within a transaction, may add to it, in real milliseconds. */
const TAKE_OVER_SLACK_MS = 6_000

/** Runs a gateway between clients that do not give up and an upstream on a bad day, strikes it again and again, and judges. */
export async function runChaos(options: ChaosOptions, interrupted?: AbortSignal): Promise<ChaosReport> {
  const { seed, tasks, kills, seconds, speed, nodes = 1, keep } = options
  const { database: databaseName = 'sqlite', only = MISFORTUNES_OF[databaseName] } = options
  const time = startTimeBase(speed)
  const clock = createAcceleratedClock(time)
  const roll = createDice(seed)
  const crashPoints = createCrashPoints()
  const ending = new AbortController()
  const timeUp = AbortSignal.timeout(seconds * 1_000)
  const stopping = AbortSignal.any([ending.signal, timeUp, ...(interrupted ? [interrupted] : [])])
  setMaxListeners(0, stopping)
  const folder = await mkdtemp(join(tmpdir(), 'lipsync-chaos-'))
  try {
    const entry = await bundleGatewayProcess(folder)
    const oddShare = only.includes('odd') ? (only.length === 1 ? 1 : ODD_SHARE) : 0
    await using jogg = await startMisbehavingJogg({ clock, roll, crashPoints, speed, oddShare })
    await using database = await openChaosDatabase(databaseName, folder)
    const settings = { time, seed, databaseUrl: database.url, joggUrl: jogg.url, joggKey: jogg.apiKey }
    await using cluster = await startGateways(nodes, { entry, folder, roll, settings })
    const { hosts } = cluster
    let calls = 0
    /** Each call goes to any of the gateways. */
    const url = () => hosts[Math.floor(roll('node', calls++).between(0, hosts.length))]!.url
    const api = createClients({ url, roll, crashPoints, stopping })

    const followers: FollowerRecord[] = []
    const following: Promise<void>[] = []
    const startFollower = (id: string | null) => {
      const record = newFollowerRecord(id)
      followers.push(record)
      following.push(follow({ url, roll, stopping }, record))
    }
    for (let count = 0; count < FOLLOWERS_OF_ALL; count++) startFollower(null)

    const clients = planOrders(roll, tasks).map(newClientRecord)
    const planned = planStrikes(roll, kills, only)
    // Orders come in as long as the strikes last.
    const orderingMs = planned.length * 700 + (tasks / SUBMITS_PER_MINUTE) * (60_000 / speed) * 0.5
    const ordering = Promise.all(
      clients.map(async client => {
        const { at, followed, cancelAfterMs } = client.order
        await sleep(at * orderingMs)
        const id = await api.place(client)
        if (id === null) return
        if (followed) startFollower(id)
        if (cancelAfterMs === null) return
        await clock.sleep(cancelAfterMs, stopping)
        await api.cancel(client, id)
      }),
    )
    const strikes = await carryOut(planned, { hosts, database, jogg, clock, roll, crashPoints, folder, stopping })
    await ordering

    const givenUp = new Set<string>()
    await drain(api, jogg, givenUp, stopping)
    // A key returns the same task, whatever became of it, unless a restore has lost the task.
    if (!stopping.aborted) await Promise.all(clients.map(client => api.create(client)))
    await drain(api, jogg, givenUp, stopping)
    const drained = !stopping.aborted
    await catchUp(followers, await database.read(), stopping)
    ending.abort()
    await Promise.all(following)
    for (const host of hosts) await host.stop()

    const jobs = jogg.jobs.accepted()
    const evidence: Evidence = {
      clients,
      followers,
      history: await database.read(),
      jobs,
      forgottenJobs: new Set(jobs.map(job => job.taskId).filter(id => !jogg.jobs.look(id))),
      submits: jogg.arrivals,
      submitsPerMinute: SUBMITS_PER_MINUTE,
      strikes,
      givenUp,
      deafStops: sum(hosts.map(host => host.deafStops())),
      checks: jogg.requests.flatMap(({ call, taskId, at }) =>
        call === 'status' && taskId !== undefined ? [{ taskId, at }] : [],
      ),
      takeOver: databaseName === 'postgres' ? { withinMs: TAKEN_OVER_MS + TAKE_OVER_SLACK_MS * speed } : null,
    }
    return {
      verdicts: judge(evidence),
      evidence,
      folder,
      starts: sum(hosts.map(host => host.starts())),
      played: jogg.played(),
      drained,
      realSeconds: (Date.now() - time.realBase) / 1_000,
      minutes: (clock.now() - time.realBase) / 60_000,
    }
  } finally {
    ending.abort()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
}

/** Starts gateways on one database, one after the other. */
async function startGateways(nodes: number, parts: Omit<Parameters<typeof startGatewayHost>[0], 'node'>) {
  const hosts: GatewayHost[] = []
  for (let node = 0; node < nodes; node++) hosts.push(await startGatewayHost({ ...parts, node }))
  return {
    hosts,
    async [Symbol.asyncDispose]() {
      for (const host of hosts) await host[Symbol.asyncDispose]()
    },
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Waits until every task has reached its end. A person gives up what the gateway cannot settle. */
async function drain(api: Clients, jogg: MisbehavingJogg, givenUp: Set<string>, stopping: AbortSignal) {
  while (!stopping.aborted) {
    const unfinished = jogg.busy() ? null : await api.unfinished()
    if (unfinished?.length === 0) return
    for (const { id, stage, problem } of unfinished ?? [])
      if (stage === 'UNKNOWN' && problem?.includes(FOR_A_PERSON) && (await api.giveUp(id))) givenUp.add(id)
    await sleep(BETWEEN_CHECKS_MS)
  }
}

async function catchUp(followers: readonly FollowerRecord[], { epoch, steps }: History, stopping: AbortSignal) {
  const end = steps.at(-1)?.seq ?? 0
  const isBehind = (record: FollowerRecord) => {
    const chapter = latestChapter(record)
    return record.id === null ? chapter.epoch !== epoch || (chapter.cursors.at(-1) ?? 0) < end : !record.ended
  }
  const until = Date.now() + CATCH_UP_MS
  while (!stopping.aborted && followers.some(isBehind) && Date.now() < until) await sleep(BETWEEN_CHECKS_MS)
}
