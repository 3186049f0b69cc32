import { pino } from 'pino'
import { uuidv7 } from 'uuidv7'
import { createChangeNotifier } from '../../src/tasks/change-notifier.js'
import { createDriver, type DriverParts } from '../../src/tasks/driver/create-driver.js'
import type { Upstream } from '../../src/tasks/driver/upstream.js'
import type { Inputs, Task } from '../../src/tasks/task.js'
import type { TaskStore } from '../../src/tasks/task-store.js'
import { createTransitions } from '../../src/tasks/transitions.js'
import { createJoggUpstream } from '../../src/upstream/jogg/client.js'
import { openTestStore } from './database.js'
import { startJogg } from './jogg.js'
import { createManualClock } from './manual-clock.js'

export const TIMEOUT_MS = 10_000

interface TestDriverOptions extends Partial<Omit<DriverParts, 'store' | 'upstream'>> {
  /** Wraps the upstream, which is the scripted JoggAI. */
  wrapUpstream?: (upstream: Upstream) => Upstream
  /** Wraps the store, to make its writes fail. */
  wrapStore?: (store: TaskStore) => TaskStore
  databaseUrl?: string
  /** When the manual clock starts. */
  start?: number
  /** Runs before the driver starts. */
  before?: (store: TaskStore) => Promise<unknown>
}

/** The driver alone, without service and edge: a store, the scripted JoggAI and a manual clock. */
export async function startTestDriver(options: TestDriverOptions = {}) {
  const { wrapUpstream = same, wrapStore = same, databaseUrl, start, before, ...parts } = options
  let settled = (): Promise<unknown> => Promise.resolve()
  const clock = createManualClock(start, () => settled())
  const monoStart = clock.monotonic()
  const joggStart = start ?? Date.UTC(2025, 0, 1)
  // JoggAI has a clock of its own: it does not jump with the wall clock of the gateway.
  const jogg = await startJogg({ now: () => joggStart + clock.monotonic() - monoStart })
  const opened = await openTestStore(databaseUrl, clock)
  const store = wrapStore(opened.tasks)
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug', base: null }, { write: line => void lines.push(JSON.parse(line)) })
  const notifier = createChangeNotifier()
  const transitions = createTransitions({ store, notifier, clock, log })
  const upstream = wrapUpstream(
    createJoggUpstream({ apiKey: jogg.apiKey, baseUrl: jogg.url, timeoutMs: TIMEOUT_MS, clock }),
  )
  const driver = createDriver({
    store,
    upstream,
    transitions,
    notifier,
    clock,
    log,
    random: () => 0.5,
    timeoutMs: TIMEOUT_MS,
    intervals: { firstMs: 3_000, minMs: 5_000, maxMs: 10_000 },
    stallAfterMs: 30 * 60_000,
    maxQueueMs: 24 * 3_600_000,
    ...parts,
  })
  await before?.(store)
  await driver.start()
  settled = () => Promise.race([driver.settled(), jogg.holding()])

  return {
    clock,
    jogg,
    store,
    upstream,
    driver,
    notifier,
    transitions,
    lines,
    async create(inputs: Partial<Inputs> & { caller?: string } = {}): Promise<Task> {
      const task = newTask(clock, inputs)
      const created = await transitions.create(task, { createsPerMinute: null, waitingTasks: null, monthlyCents: null })
      if ('refused' in created) throw new Error(`refused: ${created.refused}`)
      return created
    },
    async stage(id: string) {
      return (await store.get(id))?.stage
    },
    async reasons(id: string) {
      const steps = await store.transitionsAfter(0, { taskId: id, limit: 100 })
      return steps.map(({ task, reason }) => [task.stage, reason])
    },
    async live(id: string) {
      const task = await store.get(id)
      return task && (await driver.liveStates([task])).get(id)
    },
    async [Symbol.asyncDispose]() {
      driver.cut()
      jogg.release()
      await driver[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
      await opened[Symbol.asyncDispose]()
    },
  }
}

export function newTask(clock: { now(): number; monotonic(): number }, inputs: Partial<Inputs> & { caller?: string }) {
  return {
    id: uuidv7(),
    stage: 'queued',
    caller: 'alice',
    videoUrl: 'https://media.example/presenter.mp4',
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
    ...inputs,
  } as const
}

function same<T>(value: T): T {
  return value
}
