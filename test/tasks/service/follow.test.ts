import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type ChangedTask, createChangeNotifier } from '../../../src/tasks/change-notifier.js'
import { coalesceReads } from '../../../src/tasks/service/coalesced-reads.js'
import { type FollowQuery, follow } from '../../../src/tasks/service/follow.js'
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

/** Follows an empty log and counts the reads of it. */
function followNothing(whose: FollowQuery['whose'], onEnd = () => {}) {
  const notifier = createChangeNotifier()
  let reads = 0
  const iterator = follow(
    {
      store: { get: async () => null },
      notifier,
      onStop: () => () => {},
      toEvent: ({ task }) => task.seq,
      async transitionsAfter() {
        reads++
        return []
      },
    },
    { whose, after: 0, onEnd },
  )
  return { iterator, notifier, reads: () => reads }
}

const mine = { ...newTask({ caller: 'me', reference: 'r' }), lookupFirst: false, seq: 1 }
const NARROW: readonly [string, FollowQuery['whose'], ChangedTask][] = [
  ['one task', { taskId: mine.id }, { ...mine, id: 'another' }],
  ['one caller', { filter: { caller: 'me' } }, { ...mine, caller: 'other' }],
  ['a reference', { filter: { caller: 'me', reference: 'r' } }, { ...mine, reference: 's' }],
  ['some tasks', { filter: { caller: 'me', ids: [mine.id] } }, { ...mine, id: 'another' }],
]
test.each(NARROW)('a follower of %s does not wake for other tasks', async (_, whose, other) => {
  const { iterator, notifier, reads } = followNothing(whose)
  const step = iterator.next()
  await new Promise(setImmediate)
  expect(reads()).toBe(1)
  notifier.transitioned(other, null)
  await new Promise(setImmediate)
  expect(reads()).toBe(1)
  notifier.transitioned(mine, null)
  await new Promise(setImmediate)
  expect(reads()).toBe(2)
  await iterator.return?.()
  expect((await step).done).toBe(true)
})

test('steps that are asked for at once come in order, none twice', async () => {
  const { iterator } = followLog()
  const steps = await Promise.all(Array.from({ length: 3 * PAGE }, () => iterator.next()))
  expect(steps.map(step => step.value)).toEqual(Array.from({ length: 3 * PAGE }, (_, index) => index + 1))
  await iterator.return?.()
})

test('a return ends every step that waits, and the follower with them', async () => {
  let ends = 0
  const { iterator, notifier } = followNothing({ filter: { caller: 'me' } }, () => ends++)
  const steps = [iterator.next(), iterator.next(), iterator.next()]
  await new Promise(setImmediate)
  await iterator.return?.()
  expect((await Promise.all(steps)).map(step => step.done)).toEqual([true, true, true])
  expect(notifier.listeners()).toBe(0)
  expect(ends).toBeGreaterThan(0)
  expect(await iterator.next()).toEqual({ value: undefined, done: true })
})

test('a follower that is returned before its first step has ended', async () => {
  let ends = 0
  const { iterator, notifier } = followNothing({ taskId: mine.id }, () => ends++)
  await iterator.return?.()
  expect([ends > 0, notifier.listeners()]).toEqual([true, 0])
})

test('a failed read ends the follower, and the steps that wait behind it', async () => {
  const notifier = createChangeNotifier()
  let ends = 0
  const iterator = follow(
    {
      store: { get: async () => null },
      notifier,
      onStop: () => () => {},
      toEvent: ({ task }) => task.seq,
      transitionsAfter: () => Promise.reject(new Error('the disk is on fire')),
    },
    { whose: { filter: { caller: 'me' } }, after: 0, onEnd: () => ends++ },
  )
  const [failed, behind] = await Promise.allSettled([iterator.next(), iterator.next()])
  expect([failed.status, behind]).toMatchObject(['rejected', { status: 'fulfilled', value: { done: true } }])
  expect([ends > 0, notifier.listeners()]).toEqual([true, 0])
})
