import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'
import { type Jogg, startJogg } from '../test/support/jogg.js'
import { type Api, createApi } from './api.js'
import { createKey, environmentOf, startGatewayProcess } from './gateway-process.js'
import { startLatencyProbe } from './latency-probe.js'
import type { ServerProcess } from './server-process.js'

const CALLERS = ['ada', 'ben', 'cem']
/** How long the scripted JoggAI works on a job. */
const JOB_MS = 15_000
const WINDOW_MS = 60_000

/**
 * A long queue in real time: three callers create tasks through GraphQL, followers watch them, and a scripted JoggAI
 * takes 20 submits a minute. Prints the submits, the order of the callers, what the followers saw and what the gateway
 * cost.
 */
export async function measureDrain(tasks: number, followers: number, minutes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lipsync-drain-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await using jogg = await startJogg()
  const env = environmentOf(folder, jogg)
  const keys = CALLERS.map(caller => createKey(env, caller))
  await using gateway = await startGatewayProcess(env)
  const apis = keys.map(key => createApi(gateway.url, key))
  const following = await Promise.all(Array.from({ length: followers }, (_, index) => startFollower(at(apis, index))))

  await create(apis, tasks)
  await drain(gateway, jogg, minutes)
  await sleep(2_000)
  const missed = await compareFollowers(apis, following)
  console.log(`followers that missed or repeated a step: ${missed} of ${followers}`)
  console.log(`warnings: ${JSON.stringify(Object.fromEntries(gateway.warnings))}`)
  process.exitCode = missed > 0 ? 1 : 0
  await Promise.all([...following.map(({ leave }) => leave()), ...apis.map(api => api.close())])
}

async function create(apis: readonly Api[], tasks: number): Promise<void> {
  const began = performance.now()
  await pMap(
    Array.from({ length: tasks }).keys(),
    index => at(apis, index).create(`https://media.example/${at(CALLERS, index)}-${index}.mp4`),
    { concurrency: 16 },
  )
  console.log(
    `${tasks} tasks created by ${apis.length} callers in ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
}

async function drain(gateway: ServerProcess, jogg: Jogg, minutes: number): Promise<void> {
  const probe = startLatencyProbe(gateway.url)
  const finishing = setInterval(() => finishJobs(jogg), 500)
  const [before, began] = [await gateway.usage(), performance.now()]
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(WINDOW_MS)
    const submits = jogg.calls('submit').length
    const { residentBytes } = await gateway.usage()
    console.log(`minute ${minute}: ${submits} submits so far, ${(residentBytes / 1e6).toFixed(0)} MB`)
  }
  clearInterval(finishing)
  const share = ((await gateway.usage()).cpuMicros - before.cpuMicros) / ((performance.now() - began) * 1_000)
  const { p50, p99, max } = await probe.stop()
  const submits = jogg.calls('submit')
  const callers = submits.map(({ inputs }) => /\/(\w+)-\d+\.mp4$/.exec(inputs.videoUrl ?? '')?.[1] ?? '?')
  const paidTwice = submits.length - new Set(submits.map(({ inputs }) => inputs.videoUrl)).size
  console.log(
    `fullest window of 60 s: ${fullestWindow(submits.map(submit => submit.at))} submits; paid twice: ${paidTwice}`,
  )
  console.log(`callers in the order of the last submits: ${callers.slice(-18).join(' ')}`)
  console.log(
    `${(share * 100).toFixed(1)} % of a core; /health in ms: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)}`,
  )
}

interface Follower {
  readonly api: Api
  readonly start: string
  readonly cursors: string[]
  leave(): unknown
}

async function startFollower(api: Api, start?: string): Promise<Follower> {
  const from = start ?? (await api.query('{ lipSyncTasks(first: 0) { cursor } }')).lipSyncTasks.cursor
  const { events, leave } = api.follow(from)
  const cursors: string[] = []
  void (async () => {
    for await (const { data } of events) if (data) cursors.push(data.tasksUpdated.cursor)
  })()
  return { api, start: from, cursors, leave }
}

/** Reads each caller's log anew and counts the followers that saw something else. */
async function compareFollowers(apis: readonly Api[], following: readonly Follower[]): Promise<number> {
  let missed = 0
  for (const [index, api] of apis.entries()) {
    const own = following.filter(follower => follower.api === api)
    const { cursors, leave } = await replay(api, own[0]?.start)
    await leave()
    // A step may have come after the replay ended, or between the two readings.
    const differs = ({ cursors: seen }: Follower) =>
      Math.abs(seen.length - cursors.length) > 3 ||
      seen.some((cursor, i) => i < cursors.length && cursor !== cursors[i])
    missed += own.filter(differs).length
    const counts = [...new Set(own.map(({ cursors: seen }) => seen.length))].join(', ')
    console.log(`${at(CALLERS, index)}: ${cursors.length} steps in the log; ${own.length} followers saw ${counts}`)
  }
  return missed
}

async function replay(api: Api, start: string | undefined): Promise<Follower> {
  const follower = await startFollower(api, start)
  for (let before = -1; before < follower.cursors.length; await sleep(2_000)) before = follower.cursors.length
  return follower
}

function finishJobs(jogg: Jogg): void {
  for (const job of jogg.jobs.accepted()) {
    if (job.status === 'pending' && Date.now() - job.createdAt > JOB_MS / 2) jogg.process(job.taskId)
    if (job.status === 'processing' && Date.now() - job.createdAt > JOB_MS) jogg.finish(job.taskId)
  }
}

function fullestWindow(times: readonly number[]): number {
  return Math.max(0, ...times.map(from => times.filter(time => time >= from && time < from + WINDOW_MS).length))
}

function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T
}
