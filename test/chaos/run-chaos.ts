import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAcceleratedClock } from './accelerated-clock.js'
import { bundleGatewayProcess } from './bundle.js'
import { createClients, type Heard } from './clients.js'
import { createDice } from './dice.js'
import { follow, type Story } from './follower.js'
import { startGatewayHost } from './gateway-host.js'
import { type Blows, harass } from './killer.js'
import { readLogFile } from './log-file.js'
import { startMisbehavingJogg } from './misbehaving-jogg.js'
import { createMoments } from './moments.js'
import { planOrders } from './plan.js'
import { type Evidence, judge, type Promised } from './verdict.js'

export interface ChaosOptions {
  /** Decides what goes wrong, and when. */
  readonly seed: number
  /** How many orders are placed. */
  readonly tasks: number
  /** How often the gateway is killed with -9. */
  readonly kills: number
  /** How long the run may take, in real seconds. */
  readonly seconds: number
  /** How many times faster than the real time the run's own goes: with 20, a minute lasts 3 seconds. */
  readonly speed: number
  /** Keeps the folder with the database and the gateway's log. @default false */
  readonly keep?: boolean
}

export interface ChaosReport {
  readonly promises: readonly Promised[]
  readonly evidence: Evidence
  readonly folder: string
  readonly blows: Blows
  /** How many gateways ran, one after the other. */
  readonly lives: number
  /** What the upstream did, and how often. */
  readonly played: ReadonlyMap<string, number>
  /** Whether all came to its end in time. */
  readonly drained: boolean
  readonly realSeconds: number
  readonly minutes: number
}

const SUBMITS_PER_MINUTE = 20
const BETWEEN_LOOKS_MS = 150
const FOLLOWERS_OF_ALL = 3
/** What is left at the end for the followers to hear the rest. */
const LAST_WORDS_MS = 4_000

/** Runs a gateway between clients who don't give up and an upstream on a bad day, kills it again and again, and judges. */
export const runChaos = async (options: ChaosOptions, interrupted?: AbortSignal): Promise<ChaosReport> => {
  const { seed, tasks, kills, seconds, speed, keep } = options
  const realBase = Date.now()
  const time = { realBase, speed }
  const clock = createAcceleratedClock(time)
  const roll = createDice(seed)
  const moments = createMoments()
  const ending = new AbortController()
  const timeUp = AbortSignal.timeout(seconds * 1_000)
  const stopping = AbortSignal.any([ending.signal, timeUp, ...(interrupted ? [interrupted] : [])])
  setMaxListeners(0, stopping)
  const folder = await mkdtemp(join(tmpdir(), 'lipsync-chaos-'))
  try {
    const entry = await bundleGatewayProcess(folder)
    await using jogg = await startMisbehavingJogg({ clock, roll, moments, speed })
    const settings = { time, seed, joggUrl: jogg.url, joggKey: jogg.apiKey }
    await using host = await startGatewayHost({ entry, folder, roll, settings })
    const clients = createClients({ url: host.url, roll, moments, stopping })

    const stories: Story[] = []
    const following: Promise<void>[] = []
    const startFollower = (id: string | null) => {
      const story: Story = { id, cursor: '0', cursors: [], retold: 0, reconnects: 0, ended: false, surprises: [] }
      stories.push(story)
      following.push(follow({ url: host.url, roll, stopping }, story))
    }
    for (let count = 0; count < FOLLOWERS_OF_ALL; count++) startFollower(null)

    const orders = planOrders(roll, tasks)
    const heard = orders.map((order): Heard => ({ order, ids: new Set(), repeats: 0, canceled: false, surprises: [] }))
    // As long as the kills last, orders come in.
    const orderingMs = kills * 700 + (tasks / SUBMITS_PER_MINUTE) * (60_000 / speed) * 0.5
    const ordering = Promise.all(
      heard.map(async one => {
        await sleep(one.order.at * orderingMs)
        const id = await clients.place(one)
        if (id === null) return
        if (one.order.followed) startFollower(id)
        if (one.order.cancelAfterMs === null) return
        await clock.sleep(one.order.cancelAfterMs, stopping)
        await clients.cancel(one, id)
      }),
    )
    const blows = await harass({ host, clock, roll, moments, kills, stopping })
    await ordering

    while (!stopping.aborted && (jogg.busy() || !(await clients.allFinal()))) await sleep(BETWEEN_LOOKS_MS)
    const drained = !stopping.aborted
    // What a key stands for does not change with what became of it.
    if (drained) await Promise.all(heard.map(one => clients.create(one)))
    const end = readLogFile(host.database).steps.at(-1)?.seq ?? 0
    const isBehind = ({ id, ended, cursors }: Story) => (id === null ? (cursors.at(-1) ?? 0) < end : !ended)
    const lastWords = Date.now() + LAST_WORDS_MS
    while (!stopping.aborted && stories.some(isBehind) && Date.now() < lastWords) await sleep(BETWEEN_LOOKS_MS)
    ending.abort()
    await Promise.all(following)
    await host.stop()

    const known = { heard, stories, submits: jogg.arrivals, submitsPerMinute: SUBMITS_PER_MINUTE }
    const evidence: Evidence = { ...known, ...readLogFile(host.database), jobs: jogg.jobs.accepted() }
    return {
      promises: judge(evidence),
      evidence,
      folder,
      blows,
      lives: host.lives(),
      played: jogg.played(),
      drained,
      realSeconds: (Date.now() - realBase) / 1_000,
      minutes: (clock.now() - realBase) / 60_000,
    }
  } finally {
    ending.abort()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
}
