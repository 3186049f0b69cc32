/**
 * The cost of the gateway: the same work done by it and by a bare server (`node:http`, `ws`, prepared statements), in
 * turns and in one run, each in a process of its own. Figures of one machine and one moment; compare the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pMap from 'p-map'
import { Pool } from 'undici'
import { WebSocket } from 'ws'

const ROUNDS = 3
const CREATES = 200
const READS = 1_000
const SUBSCRIBERS = 1_000
const EVENTS = 4
const CONCURRENCY = 8
const TIME_LIMIT_MS = 90_000

const KINDS = ['bare', 'gateway'] as const
type Kind = (typeof KINDS)[number]
type Client = Awaited<ReturnType<typeof startClient>>

const INPUT = { videoUrl: 'https://media.example/presenter.mp4', audioUrl: 'https://media.example/speech.mp3' }
const CREATE = 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }'
const READ = `query ($id: ID!) { lipSyncTask(id: $id) { id status stage videoUrl audioUrl playbackType reference createdAt
  submittedAt startedAt completedAt result { resultUrl } failure { message } cursor } }`
const FOLLOW = 'subscription { tasksUpdated { cursor stage task { id } } }'

export async function compareWithBareServer(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  setTimeout(() => {
    console.error(`More than ${TIME_LIMIT_MS / 1_000} s: given up.`)
    process.exit(1)
  }, TIME_LIMIT_MS).unref()

  await using bare = await startClient('bare', folder)
  await using gateway = await startClient('gateway', folder)
  console.log(`Microseconds for each call, or for each event that reaches one of ${SUBSCRIBERS} subscribers.`)
  console.log(`Median of ${ROUNDS} rounds.\n`)
  console.log('          wall: bare  gateway   ratio    CPU: bare  gateway   ratio')
  for (const [name, work] of Object.entries(WORKS)) {
    const columns = await compare({ bare, gateway }, work)
    console.log(`${name.padEnd(10)}${columns.map(column => column.join('')).join('  ')}`)
  }
}

const startClient = async (kind: Kind, folder: string) => {
  const args = [kind, `file:${join(folder, kind)}.db`]
  const server = fork(fileURLToPath(new URL('server.ts', import.meta.url)), args, { execArgv: ['--import', 'tsx'] })
  const [{ port }] = await once(server, 'message')
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONCURRENCY })
  const call = async (method: 'GET' | 'POST', path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await pool.request({ method, path, headers, body: body && JSON.stringify(body) })
    // biome-ignore lint/suspicious/noExplicitAny: each call knows its answer
    return (await answer.body.json()) as any
  }
  const graphql = async (query: string, variables: object) =>
    (await call('POST', '/graphql', { query, variables })).data
  const isBare = kind === 'bare'
  return {
    server,
    url: `ws://127.0.0.1:${port}/graphql`,
    create: async (): Promise<string> =>
      isBare ? (await call('POST', '/', INPUT)).id : (await graphql(CREATE, { input: INPUT })).createLipSync.task.id,
    read: (id: string) => (isBare ? call('GET', `/${id}`) : graphql(READ, { id })),
    async [Symbol.asyncDispose]() {
      await pool.close()
      server.disconnect()
      await once(server, 'exit')
    },
  }
}

const repeat = (count: number, work: (index: number) => Promise<unknown>) =>
  pMap(Array.from({ length: count }).keys(), work, { concurrency: CONCURRENCY })

const subscribe = async (url: string, onNext: () => void): Promise<WebSocket> => {
  const socket = new WebSocket(url, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  socket.on('message', onNext)
  return socket
}

/** How long `work` takes, and how much CPU time of the server; both in microseconds for each of `count`. */
const measure = async ({ server }: Client, count: number, work: () => Promise<unknown>) => {
  const before = await cpuMicros(server)
  const began = performance.now()
  await work()
  const micros = (performance.now() - began) * 1_000
  return { wall: micros / count, cpu: ((await cpuMicros(server)) - before) / count }
}

const cpuMicros = async (server: ChildProcess): Promise<number> => {
  server.send('cpu')
  const [answer] = await once(server, 'message')
  return answer.cpuMicros
}

const WORKS = {
  create: (client: Client) => measure(client, CREATES, () => repeat(CREATES, client.create)),

  async read(client: Client) {
    const id = await client.create()
    return measure(client, READS, () => repeat(READS, () => client.read(id)))
  },

  async 'fan-out'(client: Client) {
    let arrived = 0
    let allArrived = () => {}
    const all = new Promise<void>(resolve => {
      allArrived = resolve
    })
    const onNext = () => ++arrived === EVENTS * SUBSCRIBERS && allArrived()
    const sockets = await openSubscriptions(client.url, onNext)
    const figures = await measure(client, EVENTS * SUBSCRIBERS, () => Promise.all([all, repeat(EVENTS, client.create)]))
    for (const socket of sockets) socket.terminate()
    return figures
  },
}

/** Opens all subscriptions; each is in place when one more exchange on its socket is done. */
const openSubscriptions = async (url: string, onNext: () => void): Promise<WebSocket[]> => {
  const sockets = await pMap(Array.from({ length: SUBSCRIBERS }), () => subscribe(url, onNext), { concurrency: 50 })
  for (const socket of sockets) {
    socket.removeAllListeners('message')
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: FOLLOW } }))
  }
  await pMap(sockets, async socket => {
    socket.ping()
    await once(socket, 'pong')
    socket.on('message', onNext)
  })
  return sockets
}

const median = (figures: number[]): number =>
  figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN

/** Runs one work on both, in turns; the first round is for warming up. */
const compare = async (clients: Record<Kind, Client>, work: (client: Client) => ReturnType<typeof measure>) => {
  const rounds: Record<Kind, Awaited<ReturnType<typeof measure>>>[] = []
  for (let round = 0; round <= ROUNDS; round++)
    rounds.push({ bare: await work(clients.bare), gateway: await work(clients.gateway) })
  return (['wall', 'cpu'] as const).map(measured => {
    const of = (kind: Kind) => median(rounds.slice(1).map(figures => figures[kind][measured]))
    const [bare, gateway] = [of('bare'), of('gateway')]
    return [bare.toFixed(0).padStart(10), gateway.toFixed(0).padStart(9), `${(gateway / bare).toFixed(1)}x`.padStart(8)]
  })
}
