import { uuidv7 } from 'uuidv7'
import { describe, expect, test } from 'vitest'
import { NOT_POLLED, pollAt } from '../../src/tasks/poll-state.js'
import { advance, type Task, type TaskIn } from '../../src/tasks/task.js'
import type { NewTask, TaskStore } from '../../src/tasks/task-store.js'

/** What a caller without limits may have. */
export const NO_LIMITS = { waitingTasks: null, monthlyCents: null }

const RESULT = {
  resultUrl: 'https://x.example/a.mp4',
  coverUrl: null,
  durationMs: 1_250,
  animation: 'ANIMATED',
  animatedShare: 0.75,
} as const

/** A new task as the service makes it; every field can be said. */
export const newTask = (fields: Partial<NewTask> = {}): NewTask => ({
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
  createdAt: 1_000,
  queuedAt: 1_000,
  ...fields,
})

/** Writes a new task. */
export const queue = async (store: TaskStore, task = newTask()) =>
  (await store.create(task, NO_LIMITS)) as TaskIn<'queued'>

const step = (at: number, watch = NOT_POLLED) => ({ at, reason: null, watch })

/** Brings a queued task to `submitting`, and on to `submitted`. */
export const submitting = async (store: TaskStore, task: TaskIn<'queued'>, at = 2_000) =>
  (await store.move(task, advance(task, 'submitting', { attemptedAt: at }), step(at)))!
export const submitted = async (store: TaskStore, task: TaskIn<'queued'>, upstreamId: string, dueAt = 9_000) => {
  const sent = await submitting(store, task)
  return (await store.move(
    sent,
    advance(sent, 'submitted', { upstreamId, submittedAt: 3_000 }),
    step(3_000, pollAt(dueAt)),
  ))!
}
export const succeeded = async (store: TaskStore, task: TaskIn<'queued'>, upstreamId: string) => {
  const sent = await submitted(store, task, upstreamId)
  return (await store.move(sent, advance(sent, 'success', { completedAt: 4_000, result: RESULT }), step(4_000)))!
}

/** What every store must do, whatever it keeps its rows in. */
export const describeStore = (name: string, open: () => Promise<TaskStore>) =>
  describe(name, () => {
    test('keeps a task through its whole life, and each step as it was then', async () => {
      await using store = await open()
      const queued = await queue(store, newTask({ reference: 'r' }))
      const done = await succeeded(store, queued, 'up')
      expect(await store.get(queued.id)).toEqual(done)
      const log = await store.transitionsAfter(0, { caller: 'me', restriction: null, limit: 10 })
      expect(log.map(({ task }) => task.stage)).toEqual(['queued', 'submitting', 'submitted', 'success'])
      expect(log[0]?.task).toEqual(queued)
      expect(log[2]?.task).not.toHaveProperty('result')
      expect(log[2]?.task).not.toHaveProperty('attemptedAt')
      expect(await store.lastSeq()).toBe(log[3]?.task.seq)
    })

    test('lets exactly one of twenty movers win', async () => {
      await using store = await open()
      const task = await queue(store)
      const moves = await Promise.all(Array.from({ length: 20 }, (_, i) => submittingOrNull(store, task, i)))
      expect(moves.filter(Boolean)).toHaveLength(1)
      expect(await store.transitionsAfter(0, { caller: 'me', restriction: null, limit: 10 })).toHaveLength(2)
    })

    test('refuses a mover who knows an older state, even in the same stage', async () => {
      await using store = await open()
      const first = await queue(store)
      const sent = await submitting(store, first)
      await store.move(sent, advance(sent, 'queued', {}), step(5))
      expect(await submittingOrNull(store, first, 6)).toBeNull()
    })

    test('pages newest first and oldest first, within bounds, by status and reference', async () => {
      await using store = await open()
      const made: Task[] = []
      for (let i = 0; i < 6; i++) made.push(await queue(store, newTask({ reference: i % 2 ? 'odd' : 'even' })))
      const ids = made.map(task => task.id)
      await succeeded(store, made[1] as TaskIn<'queued'>, 'up-1')
      const page = async (query: object) =>
        (await store.page({ caller: 'me', limit: 10, ...query })).map(task => ids.indexOf(task.id))
      expect(await page({})).toEqual([5, 4, 3, 2, 1, 0])
      expect(await page({ limit: 2, oldestFirst: true })).toEqual([0, 1])
      expect(await page({ olderThan: ids[4], newerThan: ids[1] })).toEqual([3, 2])
      expect(await page({ statuses: ['SUCCESS'] })).toEqual([1])
      expect(await page({ statuses: ['SUCCESS', 'PENDING'], limit: 5 })).toEqual([5, 4, 3, 2, 1])
      expect(await page({ statuses: ['SUCCESS', 'PENDING'], limit: 2, oldestFirst: true })).toEqual([0, 1])
      expect(await page({ reference: 'odd', statuses: ['PENDING'] })).toEqual([5, 3])
      expect(await page({ reference: 'none' })).toEqual([])
    })

    test('tells what is due, and when the next is', async () => {
      await using store = await open()
      expect(await store.nextDueAt()).toBeNull()
      const early = await submitted(store, await queue(store), 'up-1', 5_000)
      const late = await submitted(store, await queue(store), 'up-2', 8_000)
      expect(await store.nextDueAt()).toBe(5_000)
      expect((await store.due(7_999, 10)).map(({ task }) => task.id)).toEqual([early.id])
      await store.watch(early, { dueAt: 9_000, looks: 1, failures: 2, absences: 3 })
      expect((await store.due(9_000, 10)).map(({ task }) => task.id)).toEqual([late.id, early.id])
      expect((await store.due(9_000, 10))[1]?.watch).toMatchObject({ dueAt: 9_000, looks: 1, failures: 2, absences: 3 })
      expect(await store.due(9_000, 1)).toHaveLength(1)
    })

    test('forgets a watch of a state that is over', async () => {
      await using store = await open()
      const sent = await submitted(store, await queue(store), 'up')
      await store.move(sent, advance(sent, 'success', { completedAt: 1, result: RESULT }), step(1))
      await store.watch(sent, pollAt(7))
      expect(await store.nextDueAt()).toBeNull()
    })

    test('tells who waits, and holds the twin of an unsettled task', async () => {
      await using store = await open()
      const first = await queue(store)
      const twin = await queue(store)
      const other = await queue(store, newTask({ playbackType: 'normal_reverse' }))
      const theirs = await queue(store, newTask({ caller: 'them' }))
      const lines = async () => (await store.callerQueues()).sort((a, b) => (a.caller < b.caller ? -1 : 1))
      const them = { caller: 'them', waiting: 1, first: theirs.id, turn: 0 }
      expect(await lines()).toEqual([{ caller: 'me', waiting: 3, first: first.id, turn: 0 }, them])
      expect(await store.queuedBefore(other)).toBe(2)
      const sent = await submitting(store, first)
      const held = { ...them, first: null }
      expect(await lines()).toEqual([{ caller: 'me', waiting: 2, first: other.id, turn: sent.seq }, held])
      expect((await store.submitting()).map(task => task.id)).toEqual([first.id])
      await store.move(sent, advance(sent, 'submitted', { upstreamId: 'up', submittedAt: 1 }), step(1))
      expect(await lines()).toEqual([{ caller: 'me', waiting: 2, first: twin.id, turn: sent.seq }, them])
      expect(await store.owns('up')).toBe(true)
      expect(await store.owns('down')).toBe(false)
    })

    test('sets a price aside, and spends it by the true length or frees it', async () => {
      await using store = await open()
      const made = await queue(store, newTask({ reservedCents: 48, createdAt: Date.UTC(2026, 0, 31) }))
      const lost = await queue(store, newTask({ reservedCents: 10, createdAt: Date.UTC(2026, 0, 1) }))
      await queue(store, newTask({ reservedCents: 5, createdAt: Date.UTC(2026, 1, 1) }))
      await succeeded(store, made, 'up')
      const failure = { code: 'CANCELED', message: '' } as const
      await store.move(lost, advance(lost, 'canceled', { completedAt: 1, failure }), step(1))
      expect(await store.usage('me', 9)).toEqual([
        {
          month: '2026-02',
          tasks: { PENDING: 1, PROCESSING: 0, SUCCESS: 0, FAILED: 0 },
          durationMs: 0,
          spentCents: 0,
          reservedCents: 5,
        },
        {
          month: '2026-01',
          tasks: { PENDING: 0, PROCESSING: 0, SUCCESS: 1, FAILED: 1 },
          durationMs: 1_250,
          spentCents: 1,
          reservedCents: 0,
        },
      ])
    })

    test('writes nothing beyond what a caller may have', async () => {
      await using store = await open()
      const create = (fields: object, allowance: object) =>
        store.create(newTask({ reservedCents: 40, ...fields }), { ...NO_LIMITS, ...allowance })
      await create({}, { monthlyCents: 100, waitingTasks: 2 })
      await create({}, { monthlyCents: 100, waitingTasks: 2 })
      expect(await create({}, { monthlyCents: 100 })).toEqual({ refused: 'monthlyCents', leftCents: 20 })
      expect(await create({}, { waitingTasks: 2 })).toEqual({ refused: 'waitingTasks' })
      expect(await create({ caller: 'them' }, { monthlyCents: 100, waitingTasks: 2 })).toHaveProperty('id')
      expect(await store.page({ caller: 'me', limit: 9 })).toHaveLength(2)
    })

    test("finds a caller's task by its idempotency key, and nobody else's", async () => {
      await using store = await open()
      const mine = await queue(store, newTask({ idempotencyKey: 'k' }))
      const theirs = await queue(store, newTask({ idempotencyKey: 'k', caller: 'them' }))
      expect(theirs.id).not.toBe(mine.id)
      expect(await store.create(newTask({ idempotencyKey: 'k' }), { waitingTasks: 0, monthlyCents: 0 })).toEqual(mine)
    })

    test('counts submits by when they ended', async () => {
      await using store = await open()
      const answered = await submitting(store, await queue(store), 2_000)
      await store.move(answered, advance(answered, 'unknown', {}), step(7_000))
      await submitting(store, await queue(store, newTask({ videoUrl: 'https://m.example/other' })), 3_000)
      expect(await store.submitsSince(1_999)).toEqual([3_000, 7_000])
      expect(await store.submitsSince(2_000)).toEqual([3_000])
    })

    test("reads one task's log, a page at a time", async () => {
      await using store = await open()
      const one = await queue(store)
      const two = await queue(store)
      await succeeded(store, one, 'up')
      const mine = await store.transitionsAfter(one.seq, { taskId: one.id, limit: 2 })
      expect(mine.map(({ task }) => task.stage)).toEqual(['submitting', 'submitted'])
      expect(await store.transitionsAfter(0, { taskId: two.id, limit: 9 })).toHaveLength(1)
    })
  })

const submittingOrNull = (store: TaskStore, task: TaskIn<'queued'>, at: number) =>
  store.move(task, advance(task, 'submitting', { attemptedAt: at }), step(at))
