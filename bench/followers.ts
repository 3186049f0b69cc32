/**
 * What a delivery to a follower costs the server, how late it arrives, and what an idle follower holds, beside a bare
 * `ws` server that sends the same message to each socket. Both run in turns, each in a process of its own.
 *
 *   npx tsx bench/followers.ts                     deliveries to 2,000 followers
 *   npx tsx bench/followers.ts --memory            5,000 idle WebSockets, 5,000 idle event streams
 *   npx tsx bench/followers.ts --deliveries 1000000   whether the memory grows
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import pMap from 'p-map'
import { WebSocket, WebSocketServer } from 'ws'
import { createGateway } from '../src/index.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    followers: { type: 'string', default: '2000' },
    events: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    memory: { type: 'boolean' },
    deliveries: { type: 'string' },
  },
})

const KINDS = ['bare', 'gateway'] as const
type Kind = (typeof KINDS)[number]
const FOLLOWERS = Number(values.followers)
const IDLE = 5_000
const INPUT = { videoUrl: 'https://media.example/presenter.mp4', audioUrl: 'https://media.example/speech.mp3' }
/** The eleven fields of a task that the other measurements read. */
const TASK = `task { id status stage videoUrl audioUrl playbackType reference createdAt submittedAt startedAt completedAt }`
const FOLLOW = `subscription { tasksUpdated { cursor stage ${TASK} } }`
const MESSAGE = JSON.stringify({
  id: '1',
  type: 'next',
  payload: {
    data: {
      tasksUpdated: {
        cursor: 'AbCdEf012345-10000',
        stage: 'QUEUED',
        task: {
          ...{ id: '019ab6a8-7d1c-7cc1-9a06-35c7ac0a1a5b', status: 'PENDING', stage: 'QUEUED', ...INPUT },
          ...{ playbackType: 'NORMAL', reference: null, createdAt: '2026-11-24T21:00:00.000Z', submittedAt: null },
          ...{ startedAt: null, completedAt: null },
        },
      },
    },
  },
})

if (positionals[0] === 'server') await serve(positionals[1] as Kind)
else if (values.memory) await measureMemory()
else if (values.deliveries) await measureGrowth(Number(values.deliveries))
else await measureDeliveries()

/** Serves one kind. Commands come as messages: `event` makes one, `cpu` and `memory` return a figure. */
async function serve(kind: Kind): Promise<void> {
  const { server, event } = kind === 'bare' ? bareServer() : await gatewayServer()
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  process.on('message', async command => {
    const { user, system } = process.cpuUsage()
    if (command === 'event') await event()
    if (command === 'memory') for (let i = 0; i < 3; i++) globalThis.gc?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    process.send?.({
      cpuMicros: user + system,
      at: Number(process.hrtime.bigint()) / 1e6,
      rss,
      heapUsed,
      external,
      arrayBuffers,
    })
  })
  process.on('disconnect', () => process.exit())
}

function bareServer() {
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', socket => socket.on('message', () => socket.send('{"type":"connection_ack"}')))
  const server = createServer((_, res) => res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders())
  server.on('upgrade', (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, client => sockets.emit('connection', client)),
  )
  const event = () => {
    for (const socket of sockets.clients) socket.send(MESSAGE)
  }
  return { server, event }
}

/** Without its pollers, so that nothing but the events makes work. */
async function gatewayServer() {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-followers-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const gateway = await createGateway({
    databaseUrl: `file:${join(folder, 'gateway.db')}`,
    jogg: { apiKey: 'key', baseUrl: 'http://127.0.0.1:9' },
    webSocket: { maxConnections: 20_000 },
    logLevel: 'silent',
  })
  const server = createServer(gateway.requestListener).on('upgrade', gateway.upgradeHandler)
  return { server, event: () => gateway.tasks.create(INPUT) }
}

async function startServer(kind: Kind) {
  const child = fork(fileURLToPath(import.meta.url), ['server', kind], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
  })
  const [{ port }] = await once(child, 'message')
  return {
    port: port as number,
    ask: (command: 'event' | 'cpu' | 'memory') => ask(child, command),
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

type Server = Awaited<ReturnType<typeof startServer>>
type Figures = Record<'cpuMicros' | 'at' | 'rss' | 'heapUsed' | 'external' | 'arrayBuffers', number>

async function ask(child: ChildProcess, command: string): Promise<Figures> {
  child.send(command)
  const [figures] = await once(child, 'message')
  return figures
}

async function measureDeliveries(): Promise<void> {
  await using bare = await startServer('bare')
  await using gateway = await startServer('gateway')
  const servers = { bare, gateway }
  const rounds: Record<Kind, Awaited<ReturnType<typeof deliver>>[]> = { bare: [], gateway: [] }
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const kind of KINDS) rounds[kind].push(await deliver(servers[kind], Number(values.events)))
  console.log(`${FOLLOWERS} followers, ${values.events} events a round; medians of ${values.rounds} rounds after one.`)
  for (const kind of KINDS) {
    const of = (figure: 'cpu' | 'p50' | 'p99') => median(rounds[kind].slice(1).map(figures => figures[figure]))
    console.log(
      `${kind.padEnd(8)} CPU ${of('cpu').toFixed(1)} µs a delivery, latency p50 ${of('p50').toFixed(1)} ms, p99 ${of('p99').toFixed(1)} ms`,
    )
  }
  const [of, by] = KINDS.map(kind => median(rounds[kind].slice(1).map(({ cpu }) => cpu))) as [number, number]
  console.log(`ratio    ${(by / of).toFixed(2)}`)
}

/** Delivers events one at a time. Latency is from the call that makes the event to its arrival. */
async function deliver(server: Server, events: number) {
  let arrived = 0
  let allArrived = () => {}
  const latencies: number[] = []
  let began = 0
  const onMessage = () => {
    latencies.push(performance.now() - began)
    if (++arrived === FOLLOWERS) allArrived()
  }
  const sockets = await openFollowers(server.port, FOLLOWERS, onMessage)
  const before = await server.ask('cpu')
  for (let event = 0; event < events; event++) {
    arrived = 0
    const all = new Promise<void>(resolve => {
      allArrived = resolve
    })
    began = performance.now()
    await Promise.all([all, server.ask('event')])
  }
  const after = await server.ask('cpu')
  for (const socket of sockets) socket.destroy()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN
  return { cpu: (after.cpuMicros - before.cpuMicros) / (events * FOLLOWERS), p50: at(0.5), p99: at(0.99) }
}

/** Opens followers that are subscribed and parse nothing: each chunk that arrives counts as a message. */
async function openFollowers(port: number, count: number, onMessage: () => void): Promise<Socket[]> {
  const open = async () => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws')
    let socket: Socket | undefined
    client.once('upgrade', res => {
      socket = res.socket
    })
    await once(client, 'open')
    client.send('{"type":"connection_init"}')
    await once(client, 'message')
    const payload = { query: FOLLOW }
    client.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    client.ping()
    await once(client, 'pong')
    return { client, socket: socket as Socket }
  }
  const followers = await pMap(Array.from({ length: count }), open, { concurrency: 50 })
  await new Promise(resolve => setTimeout(resolve, 500))
  return followers.map(({ client, socket }) => {
    client.removeAllListeners('message')
    client.on('message', onMessage)
    return socket
  })
}

async function measureMemory(): Promise<void> {
  console.log(`Memory per idle follower in KB, with ${IDLE} of them.`)
  for (const kind of KINDS)
    for (const [name, open] of [
      ['WebSocket', (port: number) => openFollowers(port, IDLE, () => {})],
      ['event stream', openStreams],
    ] as const) {
      await using server = await startServer(kind)
      const warm = await (name === 'WebSocket'
        ? openFollowers(server.port, 100, () => {})
        : openStreams(server.port, 100))
      const before = await server.ask('memory')
      const sockets = await open(server.port)
      const after = await server.ask('memory')
      const per = (figure: keyof Figures) => ((after[figure] - before[figure]) / IDLE / 1_024).toFixed(1).padStart(6)
      console.log(
        `${kind.padEnd(8)} ${name.padEnd(13)} heap ${per('heapUsed')}  external ${per('external')}  RSS ${per('rss')}`,
      )
      for (const socket of [...warm, ...sockets]) socket.destroy()
    }
}

function openStreams(port: number, count = IDLE): Promise<Socket[]> {
  const body = JSON.stringify({ query: FOLLOW })
  const head = `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n`
  return pMap(
    Array.from({ length: count }),
    async () => {
      const socket = connect(port, '127.0.0.1')
      socket.write(head + body)
      await once(socket, 'data')
      return socket.on('data', () => {})
    },
    { concurrency: 50 },
  )
}

async function measureGrowth(deliveries: number): Promise<void> {
  await using server = await startServer('gateway')
  const steps = 5
  for (let step = 0; step <= steps; step++) {
    const { heapUsed, external, rss } = await server.ask('memory')
    const mb = (bytes: number) => (bytes / 1_048_576).toFixed(1).padStart(7)
    console.log(
      `${String((deliveries / steps) * step).padStart(9)} deliveries: heap ${mb(heapUsed)} MB, external ${mb(external)} MB, RSS ${mb(rss)} MB`,
    )
    if (step < steps) await deliver(server, Math.ceil(deliveries / steps / FOLLOWERS))
  }
}

function median(figures: number[]): number {
  return figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}
