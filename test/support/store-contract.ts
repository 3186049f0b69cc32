import { hostname } from 'node:os'
import { uuidv7 } from 'uuidv7'
import { describe, expect, test } from 'vitest'
import { NOT_POLLED, pollAt } from '../../src/tasks/poll-state.js'
import { advance, type FieldsTo, type PreviousStage, type Stage, type Task, type TaskIn } from '../../src/tasks/task.js'
import type { ClaimRequest, NewTask, TaskStore } from '../../src/tasks/task-store.js'

/** The allowance of a caller without limits. */
export const NO_LIMITS = { createsPerMinute: null, waitingTasks: null, monthlyCents: null }

export const RESULT = {
  resultUrl: 'https://x.example/a.mp4',
  coverUrl: null,
  durationMs: 1_250,
  animation: 'ANIMATED',
  animatedShare: 0.75,
} as const

/** A new task as the service makes it; every field can be given. */
export function newTask(fields: Partial<NewTask> = {}): NewTask {
  return {
    id: uuidv7(),
    caller: 'me',
    reservedCents: 0,
    stage: 'queued',
    videoUrl: 'https://m.example/v.mp4',
    audioUrl: 'https://m.example/a.mp3',
    playbackType: 'normal',
    reference: null,
    idempotencyKey: null,
    retryOf: null,
    platform: null,
    videoSha256: null,
    batchId: null,
    audioSha256: null,
    createdAt: 1_000,
    queuedAt: 1_000,
    queuedMono: 1_000,
    ...fields,
  }
}

/** Writes a new task. */
export async function queue(store: TaskStore, task = newTask()) {
  const created = await store.create(task, NO_LIMITS)
  if ('refused' in created || created.stage !== 'queued') throw new Error('the task was not created')
  return created
}

/** One step at a moment that is the same by both clocks. */
export function step<N extends Stage, S extends PreviousStage<N>>(
  store: TaskStore,
  task: TaskIn<S>,
  stage: N,
  fields: FieldsTo<S, N>,
  at = 1,
  poll = NOT_POLLED,
) {
  return store.move(task, advance(task, stage, fields), { at, mono: at, reason: null, poll })
}

function tryToSubmit(store: TaskStore, task: TaskIn<'queued'>, at: number) {
  return step(
    store,
    task,
    'submitting',
    { attemptedAt: at, attemptedMono: at, attemptedUpstreamAt: null, sentVideoUrl: null, sentAudioUrl: null },
    at,
  )
}

/** Brings a queued task to `submitting`, on to `submitted` and on to `success`. */
export async function submitting(store: TaskStore, task: TaskIn<'queued'>, at = 2_000) {
  return (await tryToSubmit(store, task, at))!
}
export async function submitted(store: TaskStore, task: TaskIn<'queued'>, upstreamId: string, dueMono = 9_000) {
  const sent = await submitting(store, task)
  const accepted = { upstreamId, submittedAt: 3_000, submittedMono: 3_000 }
  return (await step(store, sent, 'submitted', accepted, 3_000, pollAt(dueMono)))!
}
export async function succeeded(store: TaskStore, task: TaskIn<'queued'>, upstreamId: string, costCents = 1) {
  const sent = await submitted(store, task, upstreamId)
  return (await step(store, sent, 'success', { completedAt: 4_000, result: RESULT, costCents }, 4_000))!
}

/** Takes what is due, with a lease that is over at once. */
export function takeDue(store: TaskStore, nowMono: number, limit: number, except: readonly string[] = []) {
  return store.takeDue({ nowMono, leaseMs: 0, limit, except })
}

export const CANCELED = { completedAt: 1, failure: { code: 'CANCELED', message: '' } } as const

/** The contract of every store. */
export function describeStore(name: string, open: () => Promise<TaskStore>) {
  const openWith = async () => {
    const store = await open()
    return {
      store,
      mine: async () => (await store.transitionsAfter(0, { filter: { caller: 'me' }, limit: 1_000 })).map(t => t.task),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }
  }

  describe(`${name}: tasks and their log`, () => {
    test('keeps a task through its whole life, and each step as it was then', async () => {
      await using opened = await openWith()
      const { store } = opened
      const queued = await queue(store, newTask({ reference: 'r' }))
      const done = await succeeded(store, queued, 'up')
      expect(await store.get(queued.id)).toEqual(done)
      const log = await opened.mine()
      expect(log.map(task => task.stage)).toEqual(['queued', 'submitting', 'submitted', 'success'])
      expect(log[0]).toEqual(queued)
      expect(log[2]).not.toHaveProperty('result')
      expect(log[2]).not.toHaveProperty('attemptedAt')
      expect(log[3]).toEqual(done)
      expect(await store.lastSeq({ taskId: done.id })).toBe(done.seq)
      expect(await store.lastSeq({ filter: { caller: 'me' } })).toBe(done.seq)
    })

    test('keeps the fields of every stage, and leaves out those that a task does not have', async () => {
      await using opened = await openWith()
      const { store } = opened
      const sent = await submitting(store, await queue(store))
      const unknown = (await step(store, sent, 'unknown', {}))!
      const accepted = { upstreamId: 'up', submittedAt: 5, submittedMono: 6 }
      const found = (await step(store, unknown, 'submitted', accepted))!
      const begun = (await step(store, found, 'processing', { startedAt: 7 }))!
      const failure = { code: 'UPSTREAM_FAILED', message: 'no' } as const
      const failed = (await step(store, begun, 'failed', { completedAt: 8, failure }))!
      expect(failed).toMatchObject({ ...accepted, startedAt: 7, completedAt: 8, failure })
      const silent = { ...RESULT, coverUrl: null, durationMs: null, animation: null, animatedShare: null }
      const other = await submitted(store, await queue(store, newTask({ audioUrl: 'https://m.example/2' })), 'up-2')
      const done = (await step(store, other, 'success', { completedAt: 9, result: silent, costCents: 0 }))!
      expect(done.result).toEqual(silent)
      expect(done).not.toHaveProperty('startedAt')
      const canceled = (await step(store, await queue(store), 'canceled', CANCELED))!
      expect(canceled).not.toHaveProperty('upstreamId')
      for (const task of [failed, done, canceled]) expect(await store.get(task.id)).toEqual(task)
    })

    test('lets exactly one of twenty movers win', async () => {
      await using opened = await openWith()
      const task = await queue(opened.store)
      const moves = await Promise.all(Array.from({ length: 20 }, (_, i) => tryToSubmit(opened.store, task, i)))
      expect(moves.filter(Boolean)).toHaveLength(1)
      expect(await opened.mine()).toHaveLength(2)
    })

    test('rejects a move from an older state, even of the same stage', async () => {
      await using opened = await openWith()
      const { store } = opened
      const first = await queue(store)
      await step(store, await submitting(store, first), 'queued', {})
      expect(await tryToSubmit(store, first, 6)).toBeNull()
    })

    test("finds a caller's latest task by its inputs, in every stage and whatever the wall clock said", async () => {
      await using opened = await openWith()
      const { store } = opened
      const inputs = {
        videoUrl: 'https://m.example/v?a=1',
        audioUrl: 'https://m.example/a',
        playbackType: 'normal',
        videoSha256: null,
        audioSha256: null,
      } as const
      await queue(store, newTask({ ...inputs, createdAt: 9_000 }))
      const latest = await queue(store, newTask({ ...inputs, createdAt: 1_000, platform: 'n8n' }))
      await queue(store, newTask({ ...inputs, caller: 'them' }))
      expect(await store.latestByInputs('me', inputs)).toEqual(latest)
      expect(latest.platform).toBe('n8n')
      for (const other of [
        { videoUrl: 'https://m.example/v?A=1' },
        { audioUrl: '' },
        { playbackType: 'normal_reverse' },
      ] as const)
        expect(await store.latestByInputs('me', { ...inputs, ...other })).toBeNull()
      const done = await succeeded(store, latest, 'up')
      expect(await store.latestByInputs('me', inputs)).toEqual(done)
    })

    test('returns several tasks at once, and leaves out unknown ids', async () => {
      await using opened = await openWith()
      const tasks = [await queue(opened.store), await queue(opened.store)]
      const found = await opened.store.getMany([tasks[1]!.id, uuidv7(), tasks[0]!.id])
      expect([...found.values()].sort((a, b) => a.seq - b.seq)).toEqual(tasks)
      expect(found.get(tasks[0]!.id)).toEqual(tasks[0])
    })

    test("finds a caller's task by its idempotency key, never another caller's", async () => {
      await using opened = await openWith()
      const { store } = opened
      const mine = await queue(store, newTask({ idempotencyKey: 'k' }))
      const theirs = await queue(store, newTask({ idempotencyKey: 'k', caller: 'them' }))
      expect(theirs.id).not.toBe(mine.id)
      expect(
        await store.create(newTask({ idempotencyKey: 'k' }), { ...NO_LIMITS, waitingTasks: 0, monthlyCents: 0 }),
      ).toEqual(mine)
      expect(await store.earlier({ caller: 'me', idempotencyKey: 'k', retryOf: null })).toEqual(mine)
      expect(await store.earlier({ caller: 'other', idempotencyKey: 'k', retryOf: null })).toBeNull()
      const retry = await queue(store, newTask({ retryOf: mine.id }))
      expect(await store.create(newTask({ retryOf: mine.id }), NO_LIMITS)).toEqual(retry)
    })

    test('never shows a transition after a later one, even with concurrent writes', async () => {
      await using opened = await openWith()
      const { store } = opened
      const seen: number[] = []
      const mine = { filter: { caller: 'me' } }
      let writing = true
      const follow = async () => {
        let last = 0
        while (writing || (await store.lastSeq(mine)) > last) {
          for (const { task } of await store.transitionsAfter(last, { ...mine, limit: 7 })) {
            seen.push(task.seq)
            last = task.seq
          }
          await new Promise(setImmediate)
        }
      }
      const write = async (i: number) => {
        const task = await queue(store, newTask({ videoUrl: `https://m.example/${i}` }))
        await submitting(store, task)
      }
      const following = follow()
      const written = Promise.all(Array.from({ length: 50 }, (_, i) => write(i))).finally(() => {
        writing = false
      })
      await Promise.all([following, written])
      const all = (await store.transitionsAfter(0, { ...mine, limit: 1_000 })).map(({ task }) => task.seq)
      expect(all).toHaveLength(100)
      expect(seen).toEqual(all)
    })

    test('selects the log by task, caller, reference and ids, a page at a time', async () => {
      await using opened = await openWith()
      const { store } = opened
      const one = await queue(store, newTask({ reference: 'r' }))
      const two = await queue(store, newTask({ reference: 'r', caller: 'them' }))
      const three = await queue(store, newTask({ videoUrl: 'https://m.example/3' }))
      await succeeded(store, one, 'up')
      await submitting(store, three)
      const log = async (filter: object, seq = 0, limit = 100) =>
        (await store.transitionsAfter(seq, { filter, limit })).map(({ task }) => [task.id, task.stage])
      const stages = ['queued', 'submitting', 'submitted', 'success']
      const ofOne = stages.map(stage => [one.id, stage])
      const ofThree = [
        [three.id, 'queued'],
        [three.id, 'submitting'],
      ]
      expect(await log({})).toHaveLength(7)
      expect(await log({ reference: 'r' })).toEqual([ofOne[0], [two.id, 'queued'], ...ofOne.slice(1)])
      expect(await log({ reference: 'r', caller: 'me' })).toEqual(ofOne)
      expect(await log({ reference: 'r', caller: 'me' }, one.seq, 2)).toEqual(ofOne.slice(1, 3))
      expect(await log({ caller: 'me', ids: [three.id, one.id, two.id] })).toEqual([
        ofOne[0],
        ofThree[0],
        ...ofOne.slice(1),
        ofThree[1],
      ])
      expect(await log({ ids: [one.id, three.id], reference: 'r' }, 0, 2)).toEqual(ofOne.slice(0, 2))
      const mine = await store.transitionsAfter(one.seq, { taskId: one.id, limit: 2 })
      expect(mine.map(({ task }) => task.stage)).toEqual(['submitting', 'submitted'])
    })
  })

  describe(`${name}: pages`, () => {
    test('go newest first and oldest first, within bounds, by every filter', async () => {
      await using opened = await openWith()
      const { store } = opened
      const made: Task[] = []
      for (let i = 0; i < 6; i++)
        made.push(await queue(store, newTask({ reference: i % 2 ? 'odd' : 'even', createdAt: 1_000 + i })))
      const theirs = await queue(store, newTask({ caller: 'them', reference: 'odd', createdAt: 9_000 }))
      const ids = [...made, theirs].map(task => task.id)
      await succeeded(store, made[1] as TaskIn<'queued'>, 'up-1')
      const page = async (query: object) =>
        (await store.page({ limit: 10, ...query })).map(task => ids.indexOf(task.id))
      const me = { caller: 'me' }
      expect(await page(me)).toEqual([5, 4, 3, 2, 1, 0])
      expect(await page({})).toEqual([6, 5, 4, 3, 2, 1, 0])
      expect(await page({ ...me, limit: 2, oldestFirst: true })).toEqual([0, 1])
      expect(await page({ ...me, olderThan: ids[4], newerThan: ids[1] })).toEqual([3, 2])
      expect(await page({ ...me, olderThan: uuidv7() })).toEqual([])
      expect(await page({ ...me, statuses: ['SUCCESS'] })).toEqual([1])
      expect(await page({ ...me, statuses: ['SUCCESS', 'PENDING'], limit: 5 })).toEqual([5, 4, 3, 2, 1])
      expect(await page({ ...me, statuses: ['SUCCESS', 'PENDING'], limit: 2, oldestFirst: true })).toEqual([0, 1])
      expect(await page({ ...me, statuses: [] })).toEqual([5, 4, 3, 2, 1, 0])
      expect(await page({ ...me, stages: ['queued', 'success'], statuses: ['PENDING'] })).toEqual([5, 4, 3, 2, 0])
      expect(await page({ ...me, reference: 'odd', statuses: ['PENDING'] })).toEqual([5, 3])
      expect(await page({ reference: 'odd' })).toEqual([6, 5, 3, 1])
      expect(await page({ ...me, reference: 'none' })).toEqual([])
      expect(await page({ createdAfter: 1_003, createdBefore: 1_005 })).toEqual([4, 3])
      expect(await page({ ...me, createdAfter: 1_004, stages: ['queued'], oldestFirst: true })).toEqual([4, 5])
      expect(await page({ ...me, ids: [ids[0], ids[6], ids[1], ids[4]] })).toEqual([4, 1, 0])
      expect(await page({ ids: [ids[0], ids[1], ids[4]], olderThan: ids[4], statuses: ['PENDING'] })).toEqual([0])
      const retry = await queue(store, newTask({ retryOf: made[1]!.id }))
      expect((await store.page({ ...me, retryOf: made[1]!.id, limit: 10 })).map(task => task.id)).toEqual([retry.id])
    })

    test('order tasks of the same moment by id', async () => {
      await using opened = await openWith()
      const made = [await queue(opened.store), await queue(opened.store), await queue(opened.store)]
      const ids = made.map(task => task.id).sort()
      const page = await opened.store.page({ caller: 'me', olderThan: ids[2], limit: 9 })
      expect(page.map(task => task.id)).toEqual([ids[1], ids[0]])
    })
  })

  describe(`${name}: the queue`, () => {
    const input = (n: number) => ({ videoUrl: `https://m.example/${n}` })

    test('lets callers take turns, each in the order of creation, independent of the wall clock', async () => {
      await using opened = await openWith()
      const { store } = opened
      expect(await store.nextToSubmit()).toBeNull()
      const a1 = await queue(store, newTask({ caller: 'a', createdAt: 9_000, ...input(1) }))
      const a2 = await queue(store, newTask({ caller: 'a', createdAt: 1_000, ...input(2) }))
      const b1 = await queue(store, newTask({ caller: 'b', ...input(3) }))
      const c1 = await queue(store, newTask({ caller: 'c', ...input(4) }))
      const order: string[] = []
      for (let task = await store.nextToSubmit(); task; task = await store.nextToSubmit()) {
        order.push(task.id)
        await submitting(store, task)
      }
      expect(order).toEqual([a1.id, b1.id, c1.id, a2.id])
    })

    test('skips tasks of every caller with the inputs of an unresolved submit, until it is resolved', async () => {
      await using opened = await openWith()
      const { store } = opened
      const first = await queue(store)
      const twin = await queue(store)
      const other = await queue(store, newTask({ playbackType: 'normal_reverse' }))
      const theirs = await queue(store, newTask({ caller: 'them' }))
      const queues = async () => (await store.callerQueues()).sort((a, b) => (a.caller < b.caller ? -1 : 1))
      const them = { caller: 'them', waiting: 1, first: theirs.id, turn: 0 }
      expect(await queues()).toEqual([{ caller: 'me', waiting: 3, first: first.id, turn: 0 }, them])
      const sent = await submitting(store, first)
      const held = { ...them, first: null }
      const mine = { caller: 'me', waiting: 2, first: other.id, turn: sent.seq }
      expect(await queues()).toEqual([mine, held])
      expect((await store.nextToSubmit())?.id).toBe(other.id)
      const late = await queue(store, newTask({ caller: 'late' }))
      const lateQueue = { caller: 'late', waiting: 1, first: null, turn: 0 }
      expect(await queues()).toEqual([lateQueue, mine, held])
      expect((await store.submitting()).map(task => task.id)).toEqual([first.id])
      const unknown = (await step(store, sent, 'unknown', {}))!
      expect(await queues()).toEqual([lateQueue, mine, held])
      expect(await store.submitting()).toEqual([])
      await step(store, unknown, 'submitted', { upstreamId: 'up', submittedAt: 1, submittedMono: 1 })
      expect(await queues()).toEqual([{ ...lateQueue, first: late.id }, { ...mine, first: twin.id }, them])
      expect(await store.owns('up')).toBe(true)
      expect(await store.owns('down')).toBe(false)
    })

    test('returns a task to its position in the queue, and forgets callers without queued tasks', async () => {
      await using opened = await openWith()
      const { store } = opened
      const [one, two, three] = [await queue(store), await queue(store), await queue(store)]
      await step(store, two, 'canceled', CANCELED)
      const back = await step(store, await submitting(store, one), 'queued', {})
      expect(await store.nextToSubmit()).toEqual(back)
      expect(await store.queuedBefore([three])).toEqual(new Map([[three.id, 1]]))
      await step(store, back!, 'canceled', CANCELED)
      await step(store, three, 'canceled', CANCELED)
      expect(await store.callerQueues()).toEqual([])
      expect(await store.nextToSubmit()).toBeNull()
    })

    test('counts what is before several tasks in one go', async () => {
      await using opened = await openWith()
      const { store } = opened
      const mine: TaskIn<'queued'>[] = []
      for (let i = 0; i < 6; i++) mine.push(await queue(store))
      const theirs = await queue(store, newTask({ caller: 'them' }))
      const gone = await succeeded(store, await queue(store, newTask(input(9))), 'up')
      const before = await store.queuedBefore([mine[4]!, theirs, gone, mine[0]!, mine[2]!])
      expect(Object.fromEntries(before)).toEqual({
        [mine[0]!.id]: 0,
        [mine[2]!.id]: 2,
        [mine[4]!.id]: 4,
        [theirs.id]: 0,
      })
      expect(await store.queuedBefore([])).toEqual(new Map())
    })

    test('reports the oldest and the expired by monotonic time', async () => {
      await using opened = await openWith()
      const { store } = opened
      expect(await store.oldestQueued()).toBeNull()
      await queue(store, newTask({ queuedAt: 1, queuedMono: 300 }))
      const oldest = await queue(store, newTask({ queuedAt: 9, queuedMono: 100 }))
      const second = await queue(store, newTask({ queuedAt: 5, queuedMono: 200 }))
      expect(await store.oldestQueued()).toEqual({ queuedAt: 9, queuedMono: 100 })
      expect((await store.expiredQueued(200, 9)).map(task => task.id)).toEqual([oldest.id, second.id])
      expect(await store.expiredQueued(200, 1)).toHaveLength(1)
      expect(await store.expiredQueued(99, 9)).toEqual([])
    })

    test('counts the tasks of each stage', async () => {
      await using opened = await openWith()
      const { store } = opened
      await queue(store, newTask(input(1)))
      await succeeded(store, await queue(store, newTask(input(2))), 'up-1')
      await submitted(store, await queue(store, newTask(input(3))), 'up-2')
      const none = { queued: 0, submitting: 0, unknown: 0, submitted: 0, processing: 0, success: 0, failed: 0 }
      expect(await store.counts()).toEqual({ ...none, canceled: 0, queued: 1, success: 1, submitted: 1 })
    })

    test('lists the latest submits with their ends', async () => {
      await using opened = await openWith()
      const { store } = opened
      const answered = await submitting(store, await queue(store, newTask(input(1))), 2_000)
      await step(store, answered, 'unknown', {}, 7_000)
      const running = await submitting(store, await queue(store, newTask(input(2))), 3_000)
      const ended = { taskId: answered.id, begunMono: 2_000, endedMono: 7_000 }
      const underWay = { taskId: running.id, begunMono: 3_000, endedMono: null }
      expect(await store.recentSubmits(9)).toEqual([ended, underWay])
      expect(await store.recentSubmits(1)).toEqual([underWay])
    })
  })

  describe(`${name}: claims`, () => {
    const input = (n: number) => ({ videoUrl: `https://m.example/${n}` })
    const NO_PAUSE = { pause: null, failures: 0, lostAnswers: 0 }
    /** Submits as soon as fewer than `window` submits are under way or ended. */
    const request = (window: number | null, seen: Parameters<ClaimRequest['waitUntil']>[0][] = []): ClaimRequest => ({
      window,
      copiesAt: null,
      exceptCallers: [],
      waitUntil(state) {
        seen.push(state)
        if (state.pause.pause) return state.pause.pause.untilMono
        return window !== null && state.recent.length >= window ? 7_000 : null
      },
      attempt: task => ({
        to: advance(task, 'submitting', {
          ...{ attemptedAt: 2, attemptedMono: 2, attemptedUpstreamAt: null },
          ...{ sentVideoUrl: null, sentAudioUrl: null },
        }),
        step: { at: 2, mono: 2, reason: null, poll: pollAt(9) },
      }),
    })

    test('move the task that is next to `submitting`, and show what decides whether it may leave', async () => {
      await using opened = await openWith()
      const { store } = opened
      const seen: Parameters<ClaimRequest['waitUntil']>[0][] = []
      expect(await store.claimNext(request(2))).toEqual({ kind: 'empty' })
      const one = await queue(store, newTask(input(1)))
      const two = await queue(store, newTask({ ...input(2), caller: 'them' }))
      const claim = await store.claimNext(request(2, seen))
      expect(claim).toMatchObject({ kind: 'claimed', from: one, task: { id: one.id, stage: 'submitting' } })
      expect(await store.get(one.id)).toMatchObject({ stage: 'submitting', attemptedMono: 2 })
      expect(seen.at(-1)).toEqual({ recent: [], pause: NO_PAUSE })
      expect(await store.claimNext(request(2, seen))).toMatchObject({ kind: 'claimed', task: { id: two.id } })
      expect(seen.at(-1)?.recent).toEqual([{ taskId: one.id, begunMono: 2, endedMono: null }])
      await queue(store, newTask(input(3)))
      expect(await store.claimNext(request(2))).toEqual({ kind: 'waits', until: 7_000 })
      expect(await store.claimNext(request(null, seen))).toMatchObject({ kind: 'claimed' })
      expect(seen.at(-1)?.recent).toEqual([])
    })

    test('at the same time never exceed the window, and give each task to one', async () => {
      await using opened = await openWith()
      const { store } = opened
      for (let i = 0; i < 20; i++) await queue(store, newTask({ ...input(i), caller: `caller ${i % 4}` }))
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claimNext(request(5))))
      const claimed = claims.flatMap(claim => (claim.kind === 'claimed' ? [claim.task.id] : []))
      expect(claimed).toHaveLength(5)
      expect(new Set(claimed).size).toBe(5)
      expect((await store.counts()).submitting).toBe(5)
    })

    test('at the same time never submit two tasks with the same inputs', async () => {
      await using opened = await openWith()
      const { store } = opened
      for (let i = 0; i < 8; i++) await queue(store, newTask({ caller: `caller ${i}` }))
      await Promise.all(Array.from({ length: 8 }, () => store.claimNext(request(null))))
      expect((await store.counts()).submitting).toBe(1)
    })

    test('keep the pause of the queue, however many change it at once', async () => {
      await using opened = await openWith()
      const { store } = opened
      expect(await store.pauseState()).toEqual(NO_PAUSE)
      await Promise.all(
        Array.from({ length: 10 }, () => store.changePause(state => ({ ...state, failures: state.failures + 1 }))),
      )
      const pause = { kind: 'account', reason: 'no credit', untilMono: 5_000, endsByCheckMono: 6_000 } as const
      const paused = await store.changePause(state => ({ ...state, pause }))
      expect(paused).toEqual({ pause, failures: 10, lostAnswers: 0 })
      expect(await store.pauseState()).toEqual(paused)
      await queue(store)
      expect(await store.claimNext(request(2))).toEqual({ kind: 'waits', until: 5_000 })
    })
  })

  describe(`${name}: the poll queue`, () => {
    test('lists what is due, the longest overdue first, and when the next is', async () => {
      await using opened = await openWith()
      const { store } = opened
      expect(await store.nextDueMono()).toBeNull()
      const early = await submitted(store, await queue(store), 'up-1', 5_000)
      const late = await submitted(store, await queue(store), 'up-2', 8_000)
      expect(await store.nextDueMono()).toBe(5_000)
      expect((await takeDue(store, 7_999, 10)).map(({ task }) => task.id)).toEqual([early.id])
      const poll = { dueMono: 9_000, checks: 1, failures: 2, absences: 3, problem: 'odd' }
      await store.savePollStates([{ task: early, poll }])
      const due = await takeDue(store, 9_000, 10)
      expect(due.map(({ task }) => task.id)).toEqual([late.id, early.id])
      expect(due[1]).toEqual({ task: early, poll })
      expect(await takeDue(store, 9_000, 1)).toHaveLength(1)
      expect(await takeDue(store, 9_000, 1, [late.id])).toEqual([due[1]])
    })

    test('saves many poll states, but none of a task that has moved', async () => {
      await using opened = await openWith()
      const { store } = opened
      const gone = await submitted(store, await queue(store), 'up-1')
      const still = await submitted(store, await queue(store), 'up-2')
      await step(store, gone, 'success', { completedAt: 1, result: RESULT, costCents: 0 })
      await store.savePollStates([gone, still].map(task => ({ task, poll: pollAt(7) })))
      expect((await takeDue(store, 7, 9)).map(({ task }) => task.id)).toEqual([still.id])
      await store.savePollStates([])
    })
  })

  describe(`${name}: accounts`, () => {
    test('reserve a price, and book what the task really cost', async () => {
      await using opened = await openWith()
      const { store } = opened
      const made = await queue(store, newTask({ reservedCents: 48, createdAt: Date.UTC(2026, 0, 31) }))
      const lost = await queue(store, newTask({ reservedCents: 10, createdAt: Date.UTC(2026, 0, 1) }))
      const free = await queue(
        store,
        newTask({ ...{ audioUrl: 'https://m.example/f', caller: 'them' }, reservedCents: 7 }),
      )
      await queue(store, newTask({ reservedCents: 5, createdAt: Date.UTC(2026, 1, 1) }))
      await succeeded(store, made, 'up', 30)
      await succeeded(store, free, 'up-free', 0)
      await step(store, lost, 'canceled', CANCELED)
      const none = { PENDING: 0, PROCESSING: 0, SUCCESS: 0, FAILED: 0, CANCELED: 0 }
      const nothing = { durationMs: 0, spentCents: 0, reservedCents: 0 }
      const february = { caller: 'me', month: '2026-02', tasks: { ...none, PENDING: 1 }, ...nothing, reservedCents: 5 }
      const january = {
        ...{ caller: 'me', month: '2026-01', tasks: { ...none, SUCCESS: 1, CANCELED: 1 } },
        ...{ ...nothing, durationMs: 1_250, spentCents: 30 },
      }
      const theirs = { caller: 'them', month: '1970-01', tasks: { ...none, SUCCESS: 1 }, ...nothing, durationMs: 1_250 }
      expect(await store.usage({ caller: 'me', months: 9 })).toEqual([february, january])
      expect(await store.usage({ caller: 'me', months: 1 })).toEqual([february])
      expect(await store.usage({ months: 9 })).toEqual([february, january, theirs])
      expect(await store.usage({ months: 2 })).toEqual([february, january])
      expect(await store.usage({ caller: 'nobody', months: 2 })).toEqual([])
    })

    test('write nothing beyond the allowance of a caller', async () => {
      await using opened = await openWith()
      const { store } = opened
      const create = (fields: object, allowance: object) =>
        store.create(newTask({ reservedCents: 40, ...fields }), { ...NO_LIMITS, ...allowance })
      await create({}, { monthlyCents: 100, waitingTasks: 2 })
      await create({}, { monthlyCents: 100, waitingTasks: 2 })
      expect(await create({}, { monthlyCents: 100 })).toEqual({ refused: 'monthlyCents', leftCents: 20 })
      expect(await create({}, { waitingTasks: 2 })).toEqual({ refused: 'waitingTasks' })
      expect(await create({ caller: 'them' }, { monthlyCents: 100, waitingTasks: 2 })).toHaveProperty('id')
      expect(await opened.mine()).toHaveLength(2)
    })

    test('count the creates of a minute from the first, exactly, however many come at once', async () => {
      await using opened = await openWith()
      const { store } = opened
      const create = (queuedMono: number, caller = 'me') =>
        store.create(newTask({ queuedMono, caller }), { ...NO_LIMITS, createsPerMinute: 3 })
      const made = await Promise.all(Array.from({ length: 10 }, () => create(10_000)))
      expect(made.filter(task => 'id' in task)).toHaveLength(3)
      expect(await create(69_999)).toEqual({ refused: 'createsPerMinute', retryAfterMs: 1 })
      expect(await create(69_999, 'them')).toHaveProperty('id')
      expect(await create(70_000)).toHaveProperty('id')
      const none = { ...NO_LIMITS, createsPerMinute: 0 }
      expect(await store.create(newTask({ caller: 'new' }), none)).toMatchObject({ refused: 'createsPerMinute' })
    })
  })

  describe(`${name}: batches`, () => {
    const tracks = (count: number, batchId: string, fields: Partial<NewTask> = {}) =>
      Array.from({ length: count }, (_, n) =>
        newTask({ batchId, idempotencyKey: `k${n}`, audioUrl: `https://m.example/${n}.mp3`, ...fields }),
      )
    const batchOf = (id: string) => ({ id, caller: 'me', createdAt: 1_000 })

    test('are written as a whole, once, as one create', async () => {
      await using opened = await openWith()
      const { store } = opened
      const allowance = { ...NO_LIMITS, createsPerMinute: 1, waitingTasks: 500 }
      const tasks = tracks(500, 'b', { reservedCents: 2 })
      const created = await store.createBatch(batchOf('b'), tasks, allowance)
      expect(created).toMatchObject(tasks.map(({ id }) => ({ id, batchId: 'b', stage: 'queued' })))
      expect(await store.batch('b')).toEqual({ ...batchOf('b'), size: 500 })
      expect(await store.createBatch(batchOf('c'), tracks(500, 'c'), allowance)).toEqual(created)
      expect(await store.batch('c')).toBeNull()
      expect(await store.callerQueues()).toMatchObject([{ caller: 'me', waiting: 500, first: tasks[0]?.id }])
      expect(await store.batchCounts('b')).toEqual({
        tasks: { PENDING: 500, PROCESSING: 0, SUCCESS: 0, FAILED: 0, CANCELED: 0 },
        spentCents: 0,
        reservedCents: 1_000,
      })
      expect(await store.create(newTask(), allowance)).toMatchObject({ refused: 'createsPerMinute' })
      expect(await store.page({ batchId: 'b', limit: 1_000 })).toHaveLength(500)
      const steps = await store.transitionsAfter(0, { filter: { batchId: 'b' }, limit: 1_000 })
      expect(steps.map(({ task }) => task.id)).toEqual(tasks.map(({ id }) => id))
    })

    test('leave nothing when one of the tasks, or all of them together, may not be created', async () => {
      await using opened = await openWith()
      const { store } = opened
      await queue(store, newTask({ idempotencyKey: 'k1' }))
      const create = (allowance: object) =>
        store.createBatch(batchOf('b'), tracks(3, 'b', { reservedCents: 40 }), { ...NO_LIMITS, ...allowance })
      expect(await create({})).toEqual({ refused: 'taken', indexes: [1] })
      const others = tracks(3, 'b', { reservedCents: 40, idempotencyKey: null })
      const refusals = [
        [{ monthlyCents: 100 }, { refused: 'monthlyCents', leftCents: 100 }],
        [{ waitingTasks: 3 }, { refused: 'waitingTasks' }],
        [{ createsPerMinute: 1 }, { refused: 'createsPerMinute' }],
      ] as const
      for (const [allowance, refusal] of refusals)
        expect(await store.createBatch(batchOf('b'), others, { ...NO_LIMITS, ...allowance })).toMatchObject(refusal)
      // The second id is taken, so that the database itself refuses the last row.
      const [first, ...rest] = others
      const clash = [first!, ...rest.map(task => ({ ...task, id: first!.id }))]
      await expect(store.createBatch(batchOf('b'), clash, NO_LIMITS)).rejects.toThrow()
      expect(await opened.mine()).toHaveLength(1)
      expect(await store.batch('b')).toBeNull()
      expect(await store.callerQueues()).toMatchObject([{ waiting: 1 }])
    })

    test('that are created at the same time by many callers are all written', async () => {
      await using opened = await openWith()
      const { store } = opened
      const create = (caller: string) => {
        const created = tracks(40, caller, { caller })
        const order = caller === 'a' ? created : created.reverse()
        return store.createBatch({ ...batchOf(caller), caller }, order, NO_LIMITS)
      }
      for (const created of await Promise.all(['a', 'b', 'c', 'd'].map(create))) expect(created).toHaveLength(40)
    })
  })

  describe(`${name}: uploads`, () => {
    const SHA256 = 'a'.repeat(64)
    const upload = { mediaId: 'm', name: 'v.mp4', caller: 'me', sizeBytes: 60, sha256: SHA256, createdAt: 1 }

    test('are kept within the quota of the caller until they expire, or as long as a task needs them', async () => {
      await using opened = await openWith()
      const { store } = opened
      const add = (mediaId: string, fields: object = {}) =>
        store.addUpload({ ...upload, mediaId, expiresMono: 10, ...fields }, 100)
      const added = await Promise.all([add('m'), add('n'), add('o', { caller: 'them' })])
      expect(added.filter(Boolean)).toHaveLength(2)
      expect(await store.keptUploads('me')).toEqual({ files: 1, bytes: 60 })
      expect(await store.uploadOfContent(SHA256)).toMatchObject({ sha256: SHA256, isKept: true })
      await store.dropUpload('o')
      expect(await store.upload('o')).toBeNull()
      const kept = added[0] ? 'm' : 'n'
      expect(await store.keepUpload(kept, 20)).toMatchObject({ mediaId: kept, expiresMono: 20 })
      expect(await store.keepUpload(kept, 15)).toMatchObject({ expiresMono: 20 })
      expect(await store.expireUploads(19, 30, 9)).toEqual([])
      const task = await queue(store, newTask({ videoSha256: SHA256 }))
      expect(await store.expireUploads(20, 30, 9)).toEqual([])
      expect(await store.nextExpiryMono()).toBe(30)
      await step(store, task, 'canceled', CANCELED)
      expect(await store.expireUploads(30, 40, 9)).toMatchObject([{ mediaId: kept }])
      expect(await store.upload(kept)).toMatchObject({ isKept: false })
      expect(await store.keepUpload(kept, 50)).toBeNull()
      expect(await store.nextExpiryMono()).toBeNull()
    })

    test('are copied before their submit leaves, and each copy counts like a submit', async () => {
      await using opened = await openWith()
      const { store } = opened
      const task = await queue(store, newTask({ videoSha256: SHA256 }))
      const seen: number[] = []
      const claim = (exceptCallers: readonly string[] = []) =>
        store.claimNext({
          window: 5,
          copiesAt: 'up',
          exceptCallers,
          waitUntil({ recent }) {
            seen.push(recent.length)
            return null
          },
          attempt: (queued, { video, audio }) =>
            video === null
              ? null
              : {
                  to: advance(queued, 'submitting', {
                    ...{ attemptedAt: 2, attemptedMono: 2, attemptedUpstreamAt: null },
                    ...{ sentVideoUrl: video, sentAudioUrl: audio },
                  }),
                  step: { at: 2, mono: 2, reason: 'copied', poll: pollAt(9) },
                },
        })
      expect(await claim()).toMatchObject({ kind: 'unprepared', task: { id: task.id } })
      expect(await claim(['me'])).toEqual({ kind: 'empty' })
      const call = await store.beginAssetCall(5)
      await store.endAssetCall(call, 7)
      expect(await store.recentAssetCalls(9)).toEqual([{ endedMono: 7 }])
      expect(await store.addUpstreamAsset(SHA256, 'up', 'https://up.example/1')).toBe('https://up.example/1')
      expect(await store.addUpstreamAsset(SHA256, 'up', 'https://up.example/2')).toBe('https://up.example/1')
      expect(await claim()).toMatchObject({ kind: 'claimed', task: { sentVideoUrl: 'https://up.example/1' } })
      expect(seen.at(-1)).toBe(1)
    })
  })

  describe(`${name}: its gateways`, () => {
    test('are listed with their process and their version', async () => {
      await using opened = await openWith()
      const [node, ...others] = await opened.store.nodes()
      expect(node).toMatchObject({ host: hostname(), pid: process.pid, version: expect.stringMatching(/^\d+\.\d+/) })
      expect(node?.seenMono).toBeGreaterThan(0)
      expect(others).toEqual([])
      await opened.store.check()
    })
  })
}
