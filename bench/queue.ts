/**
 * How many submits leave in the first minute of a long queue, on the real clock: the driver alone, on a database in a
 * file, with an upstream in memory that takes 20 submits a minute.
 *
 * Usage: tsx bench/queue.ts [tasks]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { uuidv7 } from 'uuidv7'
import { systemClock } from '../src/clock.js'
import { openStore } from '../src/store/open-store.js'
import { createChangeNotifier } from '../src/tasks/change-notifier.js'
import { createDriver } from '../src/tasks/driver/create-driver.js'
import { UpstreamError } from '../src/tasks/driver/upstream.js'
import { createTransitions } from '../src/tasks/transitions.js'

const RUN_MS = 62_000
const count = Number(process.argv[2] ?? 20_000)
const folder = mkdtempSync(join(tmpdir(), 'lipsync-queue-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const log = pino({ level: 'silent' })
const opened = await openStore({ databaseUrl: `file:${join(folder, 'gateway.db')}`, dataDir: folder }, systemClock, log)
const { tasks: store, clock } = opened
const notifier = createChangeNotifier()
const transitions = createTransitions({ store, notifier, clock, log })
for (let i = 0; i < count; i++)
  await transitions.create(
    {
      id: uuidv7(),
      stage: 'queued',
      caller: `caller ${i % 40}`,
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
      createdAt: clock.now(),
      queuedAt: clock.now(),
      queuedMono: clock.monotonic(),
    },
    { createsPerMinute: null, waitingTasks: null, monthlyCents: null },
  )

const submits: number[] = []
const driver = createDriver({
  store,
  upstream: {
    name: 'memory',
    submitsPerMinute: 20,
    priceOf: () => 0,
    async submit({ taskId }) {
      submits.push(performance.now())
      return taskId
    },
    getJob: async upstreamId => ({ upstreamId, createdAt: null, status: 'processing' }),
    findJob: () => Promise.reject(new UpstreamError('unsupported', 'no look-up')),
    async [Symbol.asyncDispose]() {},
  },
  transitions,
  notifier,
  clock,
  log,
  random: Math.random,
  timeoutMs: 10_000,
  intervals: { firstMs: 3_000, minMs: 5_000, maxMs: 10_000 },
  stallAfterMs: 3_600_000,
  maxQueueMs: 86_400_000,
})
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const cpu = process.cpuUsage()
const began = performance.now()
await driver.start()
await new Promise(resolve => setTimeout(resolve, RUN_MS))
const { user, system } = process.cpuUsage(cpu)
const inFirst = submits.filter(at => at - began < 60_000)
console.log(`${count} tasks waiting, load ${loadavg()[0]?.toFixed(1)} on a machine shared with others`)
console.log(
  `submits in the first minute  ${inFirst.length}, the last of them after ${((inFirst.at(-1) ?? 0) - began).toFixed(0)} ms`,
)
console.log(`submits after 62 s           ${submits.length}`)
console.log(`CPU                          ${((user + system) / 1_000).toFixed(0)} ms in ${RUN_MS / 1_000} s`)
console.log(
  `event-loop delay             p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms`,
)
await driver[Symbol.asyncDispose]()
await opened[Symbol.asyncDispose]()
