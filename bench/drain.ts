/**
 * A long queue in real time: three callers create tasks through GraphQL, followers watch them, and a scripted JoggAI
 * takes 20 submits a minute. Prints submits in every window, the order of the callers, what the followers saw, and what
 * the gateway cost.
 *
 *   npm run bench:drain -- [--tasks 10000] [--followers 200] [--minutes 5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient } from 'graphql-ws'
import pMap from 'p-map'
import { Pool } from 'undici'
import { WebSocket } from 'ws'
import { startJogg } from '../test/support/jogg.js'
import { createKey, startGatewayProcess } from './gateway-process.js'
import { startLatencyProbe } from './latency-probe.js'

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '10000' },
    followers: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '5' },
  },
})
const [tasks, followers, minutes] = [Number(values.tasks), Number(values.followers), Number(values.minutes)]
const CALLERS = ['ada', 'ben', 'cem']
/** How long the scripted JoggAI works on a job. */
const JOB_MS = 15_000
const WINDOW_MS = 60_000

const CREATE = `mutation ($input: CreateLipSyncInput!) {
  createLipSync(input: $input) { task { id } errors { code message } }
}`
const END = '{ lipSyncTasks(first: 0) { cursor } }'
const FOLLOW = 'subscription ($after: String) { tasksUpdated(after: $after) { cursor stage task { id } } }'

interface Seen {
  readonly cursor: string
  readonly stage: string
  readonly id: string
}

const folder = mkdtempSync(join(tmpdir(), 'lipsync-drain-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
await using jogg = await startJogg()
const env = {
  DATA_DIR: folder,
  JOGG_API_KEY: jogg.apiKey,
  JOGG_BASE_URL: jogg.url,
  LIMIT_CREATES_PER_MINUTE: '1000000',
  LIMIT_WAITING_TASKS: '1000000',
  LIMIT_SUBSCRIPTIONS: '10000',
  LIMIT_SOCKETS: '10000',
  LOG_LEVEL: 'info',
}
const keys = new Map(CALLERS.map(caller => [caller, createKey(env, caller)]))
await using gateway = await startGatewayProcess(env)
const pool = new Pool(gateway.url, { connections: 16 })

const starts = new Map<string, string>()
for (const caller of CALLERS) starts.set(caller, (await graphql(caller, END)).lipSyncTasks.cursor)
const following = Array.from({ length: followers }, (_, index) => follow(CALLERS[index % CALLERS.length] ?? ''))

const creating = performance.now()
await pMap(Array.from({ length: tasks }).keys(), createOne, { concurrency: 16 })
const createSeconds = (performance.now() - creating) / 1_000
console.log(`${tasks} tasks created by ${CALLERS.length} callers in ${createSeconds.toFixed(1)} s`)

const probe = startLatencyProbe(gateway.url)
const [cpuBefore, draining] = [gateway.cpuSeconds(), performance.now()]
const finishing = setInterval(finishJobs, 500)
for (let minute = 1; minute <= minutes; minute++) {
  await sleep(60_000)
  console.log(`minute ${minute}: ${jogg.calls('submit').length} submits so far, ${gateway.residentMb().toFixed(0)} MB`)
}
clearInterval(finishing)
const seconds = (performance.now() - draining) / 1_000
const cpu = (gateway.cpuSeconds() - cpuBefore) / seconds
const latency = await probe.stop()

const submits = jogg.calls('submit')
const order = submits.map(({ inputs }) => /\/(\w+)-\d+\.mp4$/.exec(inputs.videoUrl ?? '')?.[1] ?? '?')
console.log(`fullest window of 60 s: ${fullestWindow(submits.map(({ at }) => at))} submits`)
console.log(`paid twice: ${submits.length - new Set(submits.map(({ inputs }) => inputs.videoUrl)).size}`)
console.log(`callers in the order of the submits: ${order.slice(-30).join(' ')}`)
console.log(
  `of a core: ${(cpu * 100).toFixed(1)} %; /health p50 ${ms(latency.p50)}, p99 ${ms(latency.p99)}, max ${ms(latency.max)}`,
)
console.log(`warnings: ${JSON.stringify(Object.fromEntries(gateway.warnings))}`)

await sleep(2_000)
let missed = 0
for (const caller of CALLERS) {
  const expected = await replay(caller)
  const own = following.filter(follower => follower.caller === caller)
  missed += own.filter(({ seen }) => !isPrefixOf(seen, expected) || expected.length - seen.length > 3).length
  console.log(
    `${caller}: ${expected.length} steps; ${own.length} followers saw ${[...new Set(own.map(({ seen }) => seen.length))].join(', ')}`,
  )
}
console.log(`followers that missed or repeated a step: ${missed}`)
for (const follower of following) await follower.leave()
await pool.close()
process.exitCode = missed > 0 ? 1 : 0

async function createOne(index: number) {
  const caller = CALLERS[index % CALLERS.length] ?? ''
  const links = {
    videoUrl: `https://media.example/${caller}-${index}.mp4`,
    audioUrl: 'https://media.example/speech.mp3',
  }
  const { createLipSync } = await graphql(caller, CREATE, { input: links })
  if (!createLipSync?.task) throw new Error(JSON.stringify(createLipSync))
}

// biome-ignore lint/suspicious/noExplicitAny: each call knows its answer
async function graphql(caller: string, query: string, variables: object = {}): Promise<any> {
  const headers = { 'content-type': 'application/json', 'x-api-key': keys.get(caller) ?? '' }
  const answer = await pool.request({
    method: 'POST',
    path: '/graphql',
    headers,
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await answer.body.json()) as { data?: unknown; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

function follow(caller: string) {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${keys.get(caller)}` },
  })
  const seen: Seen[] = []
  const steps = client.iterate<{ tasksUpdated: { cursor: string; stage: string; task: { id: string } } }>({
    query: FOLLOW,
    variables: { after: starts.get(caller) },
  })
  void (async () => {
    for await (const { data } of steps) if (data) seen.push(seenOf(data.tasksUpdated))
  })()
  return { caller, seen, leave: () => client.dispose() }
}

/** The caller's whole log, read anew from the start, until nothing came for a second. */
async function replay(caller: string): Promise<Seen[]> {
  const { seen, leave } = follow(caller)
  for (let before = -1; before < seen.length; ) {
    before = seen.length
    await sleep(2_000)
  }
  await leave()
  return seen
}

function seenOf({ cursor, stage, task }: { cursor: string; stage: string; task: { id: string } }): Seen {
  return { cursor, stage, id: task.id }
}

function isPrefixOf(seen: readonly Seen[], whole: readonly Seen[]): boolean {
  return (
    seen.length <= whole.length + 3 && seen.every(({ cursor }, i) => i >= whole.length || cursor === whole[i]?.cursor)
  )
}

function finishJobs() {
  for (const job of jogg.jobs.accepted()) {
    if (job.status === 'pending' && Date.now() - job.createdAt > JOB_MS / 2) jogg.process(job.taskId)
    if (job.status === 'processing' && Date.now() - job.createdAt > JOB_MS) jogg.finish(job.taskId)
  }
}

function fullestWindow(times: readonly number[]): number {
  return Math.max(0, ...times.map(from => times.filter(at => at >= from && at < from + WINDOW_MS).length))
}

function ms(figure: number): string {
  return `${figure.toFixed(1)} ms`
}
