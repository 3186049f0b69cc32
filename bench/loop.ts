import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { Database } from '../src/store/sqlite/load-sqlite.js'
import { startJogg } from '../test/support/jogg.js'
import { type Api, createApi } from './api.js'
import { fillFinishedTasks, STEPS_PER_TASK } from './fill.js'
import { createKey, environmentOf, startGatewayProcess } from './gateway-process.js'
import { startLatencyProbe } from './latency-probe.js'
import type { ServerProcess } from './server-process.js'
import { buildSlowDisk } from './slow-disk.js'

const STEPS = 500_000
const READERS = 5
const QUEUED = 20_000
const FLUSH_MS = 200
const SECONDS = 20

/**
 * The event loop under load: how long `/health` takes, asked from another process, while readers replay a long log, while
 * a long queue waits and while the disk is slow.
 */
export async function measureLoop(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-loop-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await using jogg = await startJogg()
  const env = environmentOf(folder, jogg)
  const key = createKey(env, 'ada')
  const slowDisk = buildSlowDisk(folder)
  const sqlite = new Database(join(folder, 'gateway.db'))
  fillFinishedTasks(sqlite, 'ada', STEPS / STEPS_PER_TASK)
  sqlite.close()

  console.log('/health, asked every 20 ms for as long as the load lasts; milliseconds.\n')
  console.log(`${'load'.padEnd(48)} requests      p50      p99      max`)
  await withGateway(env, key, gateway => report(gateway, 'idle', () => sleep(SECONDS * 500)))
  await withGateway(env, key, (gateway, api) =>
    report(gateway, `${READERS} readers replay ${STEPS.toLocaleString('en')} steps`, () => replay(api)),
  )
  await withGateway(env, key, async (gateway, api) => {
    await createMany(api, QUEUED)
    await report(gateway, `${QUEUED.toLocaleString('en')} tasks wait, 16 creators`, () => createForAWhile(api))
  })
  if (!slowDisk) return console.log('A slow disk was not measured: no C compiler.')
  const slow = { ...env, LD_PRELOAD: slowDisk, DISK_FLUSH_MS: String(FLUSH_MS) }
  await withGateway(slow, key, (gateway, api) =>
    report(gateway, `each flush takes ${FLUSH_MS} ms, 16 creators`, () => createForAWhile(api)),
  )
}

async function withGateway(
  env: Record<string, string>,
  key: string,
  work: (gateway: ServerProcess, api: Api) => Promise<void>,
): Promise<void> {
  await using gateway = await startGatewayProcess(env)
  const api = createApi(gateway.url, key)
  await work(gateway, api)
  await api.close()
}

async function report(gateway: ServerProcess, name: string, load: () => Promise<unknown>): Promise<void> {
  const probe = startLatencyProbe(gateway.url)
  const done = await load()
  const { count, p50, p99, max } = await probe.stop()
  const figures = [p50, p99, max].map(figure => figure.toFixed(1).padStart(8)).join(' ')
  console.log(`${name.padEnd(48)} ${String(count).padStart(8)} ${figures}   ${typeof done === 'string' ? done : ''}`)
}

/** Reads the whole log with several clients at once, for at most a minute. */
async function replay(api: Api): Promise<string> {
  const stop = AbortSignal.timeout(60_000)
  const seen = await Promise.all(Array.from({ length: READERS }, () => readAll(api, stop)))
  return `${seen.reduce((sum, steps) => sum + steps, 0).toLocaleString('en')} steps delivered`
}

async function readAll(api: Api, stop: AbortSignal): Promise<number> {
  const { events, leave } = api.follow('0')
  let seen = 0
  for await (const _ of events) if (++seen >= STEPS || stop.aborted) break
  await leave()
  return seen
}

async function createMany(api: Api, count: number): Promise<void> {
  await pMap(Array.from({ length: count }).keys(), index => api.create(`https://media.example/${index}.mp4`), {
    concurrency: 16,
  })
}

async function createForAWhile(api: Api): Promise<string> {
  const until = performance.now() + SECONDS * 1_000
  let created = 0
  const creator = async () => {
    for (; performance.now() < until; created++) await api.create(`https://media.example/more-${created}.mp4`)
  }
  await Promise.all(Array.from({ length: 16 }, creator))
  return `${(created / SECONDS).toFixed(0)} creates a second`
}
