/**
 * How fast one process checks the status of many active tasks: the driver alone, on a database in a file, against a
 * double of JoggAI in a process of its own. Prints the checks per second, the longest interval between two checks of a
 * task, the CPU time and the event-loop delay. Figures of one machine and one moment.
 *
 * Usage: tsx bench/polls.ts [tasks] [seconds]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHistogram, type Histogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import pMap from 'p-map'
import { pino } from 'pino'
import { uuidv7 } from 'uuidv7'
import { systemClock } from '../src/clock.js'
import { openStore } from '../src/store/open-store.js'
import { createChangeNotifier } from '../src/tasks/change-notifier.js'
import { createDriver } from '../src/tasks/driver/create-driver.js'
import { pollAt } from '../src/tasks/poll-state.js'
import type { TaskStore } from '../src/tasks/task-store.js'
import { createTransitions } from '../src/tasks/transitions.js'
import { createJoggUpstream } from '../src/upstream/jogg/client.js'

export interface PollFigures {
  readonly tasks: number
  readonly checksPerSecond: number
  /** In seconds. */
  readonly interval: {
    readonly configured: number
    readonly median: number
    readonly p99: number
    readonly longest: number
  }
  /** Of one core. */
  readonly cpuShare: number
  readonly cpuMicrosPerCheck: number
  /** Delays in milliseconds. */
  readonly eventLoop: { readonly p99: number; readonly longest: number }
}

const SELF = fileURLToPath(import.meta.url)
const INTERVALS = { firstMs: 3_000, minMs: 5_000, maxMs: 10_000 }
const FILL_AT_A_TIME = 64

/** Measures in a process of its own. */
export async function measurePolls(tasks: number, seconds: number): Promise<PollFigures> {
  const child = fork(SELF, [String(tasks), String(seconds)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [figures] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (typeof figures !== 'object') throw new Error(`The status checks ended with exit code ${figures}.`)
  return figures as PollFigures
}

/** Answers every status call with `pending`, as fast as it can. */
async function serveDouble(): Promise<void> {
  const createdAt = Math.floor(Date.now() / 1000)
  const rest = `"status":"pending","created_at":${createdAt},"completed_at":0,"data":null,"error":null}}`
  const server = createServer((req, res) => {
    const body = `{"code":0,"msg":"Success","data":{"task_id":"${req.url?.split('/').at(-1)}",${rest}`
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.send?.((server.address() as AddressInfo).port)
  process.once('disconnect', () => process.exit(0))
}

async function measure(count: number, runSeconds: number): Promise<void> {
  // In memory where possible: filling the store commits each step, while poll states wait for no disk anyway.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lipsync-polls-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const double = fork(SELF, ['double'], { execArgv: ['--import', 'tsx'] })
  const [port] = await once(double, 'message')
  const log = pino({ level: 'silent' })
  const opened = await openStore(
    { databaseUrl: `file:${join(folder, 'gateway.db')}`, dataDir: folder },
    systemClock,
    log,
  )
  const { tasks: store, clock } = opened
  const notifier = createChangeNotifier()
  const transitions = createTransitions({ store, notifier, clock, log })
  const upstream = createJoggUpstream({ apiKey: 'key', baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 10_000, clock })

  const lastChecks = new Map<string, number>()
  let checks = 0
  let longest = 0
  let isMeasuring = false
  const intervals: number[] = []
  const counted = {
    ...upstream,
    async getJob(upstreamId: string, signal: AbortSignal) {
      const now = performance.now()
      const last = lastChecks.get(upstreamId)
      lastChecks.set(upstreamId, now)
      if (isMeasuring) checks++
      if (isMeasuring && last !== undefined) intervals.push(now - last)
      if (isMeasuring && last !== undefined) longest = Math.max(longest, now - last)
      return upstream.getJob(upstreamId, signal)
    },
  }
  const syncParts = { due: createHistogram(), savePollStates: createHistogram() }
  const timed: TaskStore = {
    ...store,
    takeDue: query => timeSync('due', () => store.takeDue(query)),
    savePollStates: states => timeSync('savePollStates', () => store.savePollStates(states)),
  }
  await fillStore()
  const driver = createDriver({
    store: timed,
    upstream: counted,
    transitions,
    notifier,
    clock,
    log,
    random: Math.random,
    timeoutMs: 10_000,
    intervals: INTERVALS,
    stallAfterMs: 3_600_000,
    maxQueueMs: 86_400_000,
  })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  await driver.start()
  // The first checks spread the tasks out, and the later ones reach the longest interval.
  await new Promise(resolve => setTimeout(resolve, 25_000))
  isMeasuring = true
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await new Promise(resolve => setTimeout(resolve, runSeconds * 1_000))
  const elapsed = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  intervals.sort((a, b) => a - b)
  const at = (share: number) => (intervals[Math.floor(intervals.length * share)] ?? Number.NaN) / 1_000
  const figures: PollFigures = {
    tasks: count,
    checksPerSecond: checks / elapsed,
    interval: { configured: INTERVALS.maxMs / 1_000, median: at(0.5), p99: at(0.99), longest: longest / 1_000 },
    cpuShare: (user + system) / 1e6 / elapsed,
    cpuMicrosPerCheck: (user + system) / checks,
    eventLoop: { p99: delay.percentile(99) / 1e6, longest: delay.max / 1e6 },
  }
  process.send?.(figures)
  console.log(
    `${count} tasks, ${elapsed.toFixed(0)} s, load ${loadavg()[0]?.toFixed(1)} on a machine shared with others`,
  )
  console.log(`checks/s            ${(checks / elapsed).toFixed(0)}`)
  console.log(
    `interval            median ${at(0.5).toFixed(1)} s, p99 ${at(0.99).toFixed(1)} s, longest ${(longest / 1_000).toFixed(1)} s`,
  )
  console.log(
    `CPU                 ${((user + system) / 10_000 / elapsed).toFixed(0)} % of a core, ${((user + system) / checks).toFixed(0)} µs a check`,
  )
  console.log(`event-loop delay    ${describe(delay)}`)
  for (const [name, took] of Object.entries(syncParts))
    console.log(`${name.padEnd(20)}${describe(took)}, blocking part of ${took.count} calls`)
  driver.cut()
  await driver[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
  double.disconnect()

  /** Measures the part of a query that blocks the event loop: all but its returned promise. */
  function timeSync<T>(name: keyof typeof syncParts, query: () => T): T {
    const began = performance.now()
    const result = query()
    if (isMeasuring) syncParts[name].record(Math.max(1, Math.round((performance.now() - began) * 1e6)))
    return result
  }

  /** Tasks that the upstream works on, due over ten seconds. */
  async function fillStore(): Promise<void> {
    const fill = async (i: number) => {
      const now = { at: clock.now(), mono: clock.monotonic() }
      const task = await transitions.create(
        {
          id: uuidv7(),
          stage: 'queued',
          caller: `caller ${i % 10}`,
          videoUrl: `https://media.example/${i}.mp4`,
          audioUrl: 'https://media.example/speech.mp3',
          playbackType: 'normal',
          reference: null,
          idempotencyKey: null,
          retryOf: null,
          platform: null,
          videoSha256: null,
          batchId: null,
          audioSha256: null,
          reservedCents: 48,
          createdAt: now.at,
          queuedAt: now.at,
          queuedMono: now.mono,
        },
        { createsPerMinute: null, waitingTasks: null, monthlyCents: null },
      )
      if ('refused' in task || task.stage !== 'queued') throw new Error('the task was refused')
      const attempt = {
        attemptedAt: now.at,
        attemptedMono: now.mono,
        attemptedUpstreamAt: null,
        sentVideoUrl: null,
        sentAudioUrl: null,
      }
      const submitting = await transitions.move(task, 'submitting', attempt)
      const accepted = { upstreamId: `up-${i}`, submittedAt: now.at, submittedMono: now.mono }
      const poll = pollAt(clock.monotonic() + 10_000 * Math.random())
      await (submitting && transitions.move(submitting, 'submitted', accepted, { poll }))
    }
    await pMap(Array.from({ length: count }).keys(), fill, { concurrency: FILL_AT_A_TIME })
  }
}

function describe(took: Histogram): string {
  const [median, p99, p999] = [50, 99, 99.9].map(share => ms(took.percentile(share)))
  return `p50 ${median}, p99 ${p99}, p99.9 ${p999}, longest ${ms(took.max)}`
}

function ms(nanoseconds: number): string {
  return `${(nanoseconds / 1e6).toFixed(1)} ms`
}

if (process.argv[1] === SELF) {
  const [role = '20000', seconds = '40'] = process.argv.slice(2)
  if (role === 'double') await serveDouble()
  else await measure(Number(role), Number(seconds))
}
