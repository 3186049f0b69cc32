import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { coalesceReads } from '../../../src/tasks/service/coalesced-reads.js'
import { follow } from '../../../src/tasks/service/follow.js'
import type { Transition } from '../../../src/tasks/task-store.js'
import { createTransitions } from '../../../src/tasks/transitions.js'
import { newDatabase, openTestStore } from '../../support/database.js'
import { startTestGateway } from '../../support/gateway.js'
import { createManualClock } from '../../support/manual-clock.js'
import { openSocket } from '../../support/socket.js'
import { newTask, queue } from '../../support/store-contract.js'

const STEPS = 5_000
const PAGE = 50
/** Steps of a replay over WebSockets. */
const REPLAYED = 500
/** The caller of a gateway without keys. */
const CALLER = 'open'

/** Follows a log of `STEPS` transitions, which is read within the same turn of the event loop, and counts the reads. */
function followLog() {
  const reads = { count: 0 }
  const notifier = createChangeNotifier()
  const iterator = follow(
    {
      store: { get: async () => null },
      notifier,
      onStop: () => () => {},
      toEvent: ({ task }) => task.seq,
      async transitionsAfter(seq, { limit }) {
        reads.count++
        return Array.from({ length: Math.min(limit, STEPS - seq) }, (_, i) => transition(seq + i + 1))
      },
    },
    { whose: { filter: { caller: CALLER } }, after: 0 },
  )
  return { iterator, reads, notifier }
}

function transition(seq: number): Transition {
  return { task: { ...newTask(), lookupFirst: false, seq }, at: seq, reason: null }
}

/** Counts the turns of the event loop until it is stopped. */
function countTurns() {
  let turns = 0
  let isStopped = false
  const turn = () => {
    turns++
    if (!isStopped) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    turns: () => turns,
    stop() {
      isStopped = true
    },
  }
}

async function take<T>(iterator: AsyncIterator<T>, count: number): Promise<(T | undefined)[]> {
  const values = []
  for (let i = 0; i < count; i++) values.push((await iterator.next()).value)
  return values
}

test('three readers of a long log leave the event loop turns in between', async () => {
  const loop = countTurns()
  const before = loop.turns()
  const lists = await Promise.all([1, 2, 3].map(() => take(followLog().iterator, STEPS)))
  const turns = loop.turns() - before
  loop.stop()
  for (const list of lists) expect(list).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1))
  expect(turns).toBeGreaterThan(1)
})

test('a reader that leaves in the middle of a long log costs no more reads', async () => {
  const [leaving, staying] = [followLog(), followLog()]
  await take(leaving.iterator, PAGE + 10)
  await leaving.iterator.return?.()
  const { count } = leaving.reads
  expect(leaving.notifier.listeners()).toBe(0)
  await take(staying.iterator, STEPS)
  expect(staying.reads.count).toBeGreaterThanOrEqual(STEPS / PAGE)
  expect(leaving.reads.count).toBe(count)
  expect(count).toBeLessThanOrEqual(3)
})

test('a `complete` in the middle of a long replay is heard before the replay is over', async () => {
  const databaseUrl = `file:${await newDatabase()}`
  const opened = await openTestStore(databaseUrl)
  const tasks = Array.from({ length: REPLAYED }, () => newTask({ caller: CALLER }))
  await Promise.all(tasks.map(task => queue(opened.tasks, task)))
  await opened[Symbol.asyncDispose]()
  // The queue stays as it is: no task is submitted while the clock stands still.
  await using gw = await startTestGateway({ databaseUrl })
  const before = gw.gateway.listeners()
  const readers = await Promise.all([1, 2, 3].map(() => openSocket(gw.url)))
  const [leaving, ...staying] = readers
  for (const reader of readers) await reader.init()
  let seen = 0
  leaving!.socket.on('message', () => {
    if (++seen === 1) leaving!.send({ type: 'complete', id: '1' })
  })
  const replay = async (reader: (typeof readers)[number]) => {
    for (let i = 0; i < REPLAYED; i++) expect((await reader.next()).type).toBe('next')
  }
  for (const reader of readers) reader.ask('1', 'subscription { tasksUpdated(after: "0") { cursor } }')
  await Promise.all(staying.map(replay))
  expect(seen).toBeGreaterThan(0)
  expect(seen).toBeLessThan(REPLAYED / 2)
  expect(gw.gateway.listeners()).toBe(before + staying.length)
  for (const reader of readers) reader.socket.terminate()
})

test('a transition is written before its listeners are called, and a coalesced read from a listener has it', async () => {
  await using store = (await openTestStore()).tasks
  const notifier = createChangeNotifier()
  const clock = createManualClock()
  const transitions = createTransitions({ store, notifier, clock, log: pino({ level: 'silent' }) })
  const read = coalesceReads(store, notifier)
  const seen: Promise<string[]>[] = []
  const listen = () =>
    seen.push(read(0, { filter: { caller: CALLER }, limit: 9 }).then(rows => rows.map(({ task }) => task.stage)))
  // A read from before, under the same key, must not be reused.
  expect(await read(0, { filter: { caller: CALLER }, limit: 9 })).toEqual([])
  const task = newTask({ caller: CALLER })
  // Each topic reads by itself: the order in which the topics are called must not matter.
  for (const topic of ['all', { caller: CALLER }, { taskId: task.id }] as const) notifier.onTransition(topic, listen)
  const created = await transitions.create(task, { createsPerMinute: null, waitingTasks: null, monthlyCents: null })
  if ('refused' in created || created.stage !== 'queued') throw new Error('the task was not created')
  expect(await Promise.all(seen.splice(0))).toEqual([['queued'], ['queued'], ['queued']])
  await transitions.move(created, 'canceled', { completedAt: 1, failure: { code: 'CANCELED', message: '' } })
  const both = ['queued', 'canceled']
  expect(await Promise.all(seen)).toEqual([both, both, both])
})
