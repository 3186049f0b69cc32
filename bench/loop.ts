/**
 * The gateway's event loop under load: how long `/health` takes, asked from another process, while readers replay a long
 * log, while the disk is slow, and while a long queue waits.
 *
 *   npm run bench -- --loop
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import pMap from 'p-map'
import { Pool } from 'undici'
import { WebSocket } from 'ws'
import { Database } from '../src/store/sqlite/load-sqlite.js'
import { startJogg } from '../test/support/jogg.js'
import { fillFinishedTasks, STEPS_PER_TASK } from './fill.js'
import { createKey, type GatewayProcess, startGatewayProcess } from './gateway-process.js'
import { startLatencyProbe } from './latency-probe.js'
import { buildSlowDisk } from './slow-disk.js'

const STEPS = 500_000
const READERS = 5
const QUEUED = 20_000
const FLUSH_MS = 200
const SECONDS = 20
const CREATE = `mutation ($input: CreateLipSyncInput!) {
  createLipSync(input: $input) { task { id } errors { message } }
}`

export async function measureLoop(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-loop-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await using jogg = await startJogg()
  const env = {
    DATA_DIR: folder,
    JOGG_API_KEY: jogg.apiKey,
    JOGG_BASE_URL: jogg.url,
    LIMIT_CREATES_PER_MINUTE: '1000000',
    LIMIT_WAITING_TASKS: '1000000',
    LOG_LEVEL: 'warn',
  }
  const key = createKey(env, 'ada')
  const slowDisk = buildSlowDisk(folder)
  const sqlite = new Database(join(folder, 'gateway.db'))
  fillFinishedTasks(sqlite, 'ada', STEPS / STEPS_PER_TASK)
  sqlite.close()

  console.log('/health, asked every 20 ms for as long as the load lasts; milliseconds.\n')
  console.log(`${'load'.padEnd(48)} requests      p50      p99      max`)
  await withGateway(env, gateway => report(gateway, 'idle', () => sleep(SECONDS * 500)))
  await withGateway(env, gateway =>
    report(gateway, `${READERS} readers replay ${STEPS.toLocaleString('en')} steps`, () => replay(gateway, key)),
  )
  await withGateway(env, async gateway => {
    await create(gateway, key, QUEUED)
    await report(gateway, `${QUEUED.toLocaleString('en')} tasks wait, 16 creators`, () => createFor(gateway, key))
  })
  if (!slowDisk) return console.log('A slow disk was not measured: no C compiler.')
  const slow = { ...env, LD_PRELOAD: slowDisk, DISK_FLUSH_MS: String(FLUSH_MS) }
  await withGateway(slow, gateway =>
    report(gateway, `each flush takes ${FLUSH_MS} ms, 16 creators`, () => createFor(gateway, key)),
  )
}

async function withGateway(env: Record<string, string>, work: (gateway: GatewayProcess) => Promise<void>) {
  await using gateway = await startGatewayProcess(env)
  await work(gateway)
}

async function report(gateway: GatewayProcess, name: string, load: () => Promise<unknown>): Promise<void> {
  const probe = startLatencyProbe(gateway.url)
  const done = await load()
  const { count, p50, p99, max } = await probe.stop()
  const figures = [p50, p99, max].map(figure => figure.toFixed(1).padStart(8)).join(' ')
  console.log(`${name.padEnd(48)} ${String(count).padStart(8)} ${figures}   ${typeof done === 'string' ? done : ''}`)
}

/** Reads the whole log with several clients at once, for at most a minute. */
async function replay(gateway: GatewayProcess, key: string): Promise<string> {
  const start = await graphql(gateway, key, '{ lipSyncTasks(first: 0) { cursor } }')
  const epoch = String(start.lipSyncTasks.cursor).replace(/-\d+$/, '')
  const stop = AbortSignal.timeout(60_000)
  const seen = await Promise.all(Array.from({ length: READERS }, () => readAll(gateway, key, `${epoch}-0`, stop)))
  return `${seen.reduce((sum, steps) => sum + steps, 0).toLocaleString('en')} steps delivered`
}

async function readAll({ url }: GatewayProcess, key: string, after: string, stop: AbortSignal): Promise<number> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
  })
  const query = 'subscription ($after: String) { tasksUpdated(after: $after) { cursor } }'
  let seen = 0
  for await (const _ of client.iterate({ query, variables: { after } })) if (++seen >= STEPS || stop.aborted) break
  await client.dispose()
  return seen
}

async function create(gateway: GatewayProcess, key: string, count: number): Promise<void> {
  await pMap(Array.from({ length: count }).keys(), index => createOne(gateway, key, index), { concurrency: 16 })
}

async function createFor(gateway: GatewayProcess, key: string): Promise<string> {
  const until = performance.now() + SECONDS * 1_000
  let created = 0
  const creator = async () => {
    for (; performance.now() < until; created++) await createOne(gateway, key, created)
  }
  await Promise.all(Array.from({ length: 16 }, creator))
  return `${(created / SECONDS).toFixed(0)} creates a second`
}

async function createOne(gateway: GatewayProcess, key: string, index: number): Promise<void> {
  const input = { videoUrl: `https://media.example/${index}.mp4`, audioUrl: 'https://media.example/speech.mp3' }
  const { createLipSync } = await graphql(gateway, key, CREATE, { input })
  if (!createLipSync?.task) throw new Error(JSON.stringify(createLipSync))
}

const pools = new Map<string, Pool>()

// biome-ignore lint/suspicious/noExplicitAny: each call knows its answer
async function graphql({ url }: GatewayProcess, key: string, query: string, variables: object = {}): Promise<any> {
  const pool = pools.get(url) ?? new Pool(url, { connections: 16 })
  pools.set(url, pool)
  const headers = { 'content-type': 'application/json', 'x-api-key': key }
  const body = JSON.stringify({ query, variables })
  const answer = await pool.request({ method: 'POST', path: '/graphql', headers, body })
  const { data, errors } = (await answer.body.json()) as { data?: unknown; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
