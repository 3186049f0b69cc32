import { constants, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pMap from 'p-map'
import { type Client, createClient } from './client.js'
import { startGatewayProcess } from './gateway-process.js'
import { startJoggDouble } from './jogg-double.js'
import { type ServerProcess, startServerProcess } from './server-process.js'
import { wallClock } from './statistics.js'

/** A server that takes part in the comparison. Its database outlives its process. */
export interface Contestant extends Disposable {
  readonly name: string
  start(): Promise<ServerProcess>
  /** Starts it and prepares the tasks that are read and followed. */
  run(): Promise<Running>
}

export interface Running extends AsyncDisposable {
  readonly process: ServerProcess
  readonly client: Client
  /** The tasks, the active ones first. */
  readonly ids: readonly string[]
  /** Tasks whose state changes only by `nextChange`. */
  readonly activeIds: readonly string[]
  readonly waitingIds: readonly string[]
  nextChange(): Change
  /** The submits so far; 0 for a peer. */
  submits(): number
}

/** A change of the state of an active task. */
export interface Change {
  readonly id: string
  /** Begins it and resolves with the time from which its followers can know of it, by `wallClock`. */
  begin(): Promise<number>
}

export interface Peer {
  readonly name: string
  /** A script in `peers/`. */
  readonly script: string
}

/** JoggAI takes 20 submits a minute: so many tasks become active at once, and the others wait. */
const ACTIVE = 20
const SUBMIT_TIMEOUT_MS = 20_000

const PEER_FOLDER = fileURLToPath(new URL('peers/', import.meta.url))

/** Limits that none of the measures reaches, and status checks that are frequent enough for a short run. */
const GATEWAY_ENV = {
  LIMIT_CREATES_PER_MINUTE: '1000000',
  LIMIT_WAITING_TASKS: '1000000',
  LIMIT_SUBSCRIPTIONS: '100000',
  LIMIT_SOCKETS: '100000',
  WS_MAX_CONNECTIONS: '100000',
  POLL_FIRST_MS: '1000',
  POLL_MIN_MS: '2000',
  POLL_MAX_MS: '2000',
}

export function createPeer({ name, script }: Peer, folder: string): Contestant {
  const command = [join(PEER_FOLDER, script), join(folder, `${script}.db`)]
  return createContestant({
    name,
    isBare: script === 'bare.mjs',
    waiting: 200,
    start: () => startServerProcess(command, { NODE_ENV: 'production', NODE_NO_WARNINGS: '1' }),
    areActive: async () => {},
    begin: async (id, client) => {
      const at = wallClock()
      await client.advance(id)
      return at
    },
    submits: () => 0,
    [Symbol.dispose]() {},
  })
}

export interface GatewaySetup {
  readonly name: string
  /** A database to begin with. */
  readonly database?: string
  /** Tasks that wait in the submit queue at first. */
  readonly waiting?: number
  /** Variables besides those of all gateways. */
  readonly env?: Readonly<Record<string, string>>
}

/** The gateway with a JoggAI double of its own. */
export async function createGateway(setup: GatewaySetup, folder: string): Promise<Contestant> {
  const { name, database, waiting = 200 } = setup
  const jogg = await startJoggDouble()
  const env = { ...GATEWAY_ENV, ...setup.env, ...jogg.env, DATA_DIR: join(folder, name.replaceAll(/\W+/g, '-')) }
  mkdirSync(env.DATA_DIR)
  if (database) copyFileSync(database, join(env.DATA_DIR, 'gateway.db'), constants.COPYFILE_FICLONE)
  return createContestant({
    name,
    isBare: false,
    waiting,
    start: () => startGatewayProcess(env),
    async areActive() {
      const until = performance.now() + SUBMIT_TIMEOUT_MS
      while (jogg.submitted.length < ACTIVE) {
        if (performance.now() > until) throw new Error(`${name} submitted ${jogg.submitted.length} of ${ACTIVE} tasks.`)
        await sleep(50)
      }
    },
    begin: (_, __, videoUrl) => jogg.process(videoUrl),
    submits: () => jogg.submitted.length,
    [Symbol.dispose]: () => jogg[Symbol.dispose](),
  })
}

interface Parts extends Disposable, Pick<Contestant, 'name' | 'start'>, Pick<Running, 'submits'> {
  readonly isBare: boolean
  readonly waiting: number
  /** Resolves when the first tasks are active. */
  areActive(): Promise<void>
  begin(id: string, client: Client, videoUrl: string): Promise<number>
}

function createContestant(parts: Parts): Contestant {
  const { name, isBare, waiting, start, areActive, begin, submits } = parts
  const ids: string[] = []
  let changes = 0

  async function prepare(client: Client): Promise<void> {
    // The active ones one by one, so that they are first in the queue and in the list.
    for (let index = 0; index < ACTIVE; index++) ids.push(await client.create(urlOf(index)))
    await areActive()
    const numbers = Array.from({ length: waiting }, (_, index) => ACTIVE + index)
    ids.push(...(await pMap(numbers, index => client.create(urlOf(index)), { concurrency: 32 })))
  }
  return {
    ...{ name, start },
    async run() {
      const process = await start()
      const client = createClient(process.url, isBare)
      try {
        if (ids.length === 0) await prepare(client)
      } catch (thrown) {
        await process[Symbol.asyncDispose]()
        throw thrown
      }
      return {
        ...{ process, client, ids, submits },
        activeIds: ids.slice(0, ACTIVE),
        waitingIds: ids.slice(ACTIVE),
        nextChange() {
          const index = changes++ % ACTIVE
          const id = ids[index] ?? ''
          return { id, begin: () => begin(id, client, urlOf(index)) }
        },
        async [Symbol.asyncDispose]() {
          await client[Symbol.asyncDispose]()
          await process[Symbol.asyncDispose]()
        },
      }
    },
    [Symbol.dispose]: () => parts[Symbol.dispose](),
  }
}

function urlOf(index: number): string {
  return `https://media.example/prepared-${index}.mp4`
}
