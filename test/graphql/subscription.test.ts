import { describe, expect, test } from 'vitest'
import { openEventStream } from '../support/event-stream.js'
import { type SeenTask, startTestGateway, TASK_FIELDS } from '../support/gateway.js'
import { failed, pending, processing, success } from '../support/jogg.js'
import { openSocket } from '../support/socket.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

const FOLLOW = `subscription ($id: ID, $after: String) { taskUpdated(id: $id, after: $after) { ${TASK_FIELDS} } }`

interface Follower {
  /** The next state; undefined when the server says that there are no more. */
  next(): Promise<SeenTask | undefined>
  leave(): void
}
type Follow = (gw: TestGateway, variables?: { id?: string; after?: string }) => Promise<Follower>

const overWebSocket: Follow = async (gw, variables = {}) => {
  const client = await openSocket(gw.url)
  await client.init()
  client.ask('1', FOLLOW, variables)
  return {
    next: async () => (await client.next()).payload?.data.taskUpdated,
    leave: () => client.socket.terminate(),
  }
}

const overEventStream: Follow = async (gw, variables = {}) => {
  const stream = await openEventStream(gw.url, FOLLOW, variables)
  return { next: async () => (await stream.next())?.data?.data.taskUpdated, leave: stream.leave }
}

const rest = async (follower: Follower) => {
  const seen: SeenTask[] = []
  for (let task = await follower.next(); task; task = await follower.next()) seen.push(task)
  return seen
}
const stages = (tasks: readonly (SeenTask | undefined)[]) => tasks.map(task => task?.stage)

const transports = { overWebSocket, overEventStream }
describe.each(Object.entries(transports))('%s', (_name, follow) => {
  test('a task is told as it is now, then at each step, until it is final', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(pending(), processing(), success())
    const { id } = await gw.createLipSync()
    await gw.clock.advance(0)
    const follower = await follow(gw, { id })
    expect(await follower.next()).toEqual(await gw.task(id))
    await gw.clock.advance(8_000)
    expect(await follower.next()).toMatchObject({ stage: 'PROCESSING', result: null })
    await gw.clock.advance(6_000)
    expect(stages(await rest(follower))).toEqual(['SUCCESS'])
  })

  test('a task that is final is told once, and nothing when that is known', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(failed('no face'))
    const { id } = await gw.createLipSync()
    await gw.clock.advance(3_000)
    const [end, ...more] = await rest(await follow(gw, { id }))
    expect(end).toMatchObject({ stage: 'FAILED', error: { message: 'no face' } })
    expect(more).toEqual([])
    expect(await rest(await follow(gw, { id, after: end?.cursor ?? '' }))).toEqual([])
  })

  test('after a cursor every step comes again, with the task as it was then', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(processing(), success({ seconds: 2 }))
    const { id } = await gw.createLipSync({ reference: 'r' })
    await gw.clock.advance(9_000)
    await gw.createLipSync({ reference: 'another' })
    const steps = await rest(await follow(gw, { id, after: '0' }))
    expect(stages(steps)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED', 'PROCESSING', 'SUCCESS'])
    for (const [i, step] of steps.entries()) {
      expect(step).toMatchObject({
        id,
        reference: 'r',
        status: ['PENDING', 'PENDING', 'PENDING', 'PROCESSING', 'SUCCESS'][i],
      })
      expect([
        step.submittedAt !== null,
        step.startedAt !== null,
        step.completedAt !== null,
        step.result !== null,
      ]).toEqual([i >= 2, i >= 3, i >= 4, i >= 4])
    }
    for (const [i, step] of steps.entries())
      expect(await rest(await follow(gw, { id, after: step.cursor }))).toEqual(steps.slice(i + 1))
  })

  test('without an id all tasks are told: from now on, or after a cursor', async () => {
    await using gw = await startTestGateway()
    await gw.createLipSync()
    await gw.clock.advance(0)
    const before = gw.gateway.listeners()
    const [news, all] = [await follow(gw), await follow(gw, { after: '0' })]
    expect(stages([await all.next(), await all.next(), await all.next()])).toEqual([
      'QUEUED',
      'SUBMITTING',
      'SUBMITTED',
    ])
    await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before + 2)
    const second = await gw.createLipSync()
    await gw.clock.advance(0)
    for (const follower of [news, all]) {
      const told = [await follower.next(), await follower.next(), await follower.next()]
      expect(told.map(task => task?.id)).toEqual([second.id, second.id, second.id])
      expect(stages(told)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED'])
    }
  })

  test('a follower that leaves while nothing happens is forgotten at once', async () => {
    await using gw = await startTestGateway()
    const before = gw.gateway.listeners()
    await gw.createLipSync()
    await gw.clock.advance(0)
    const follower = await follow(gw, { after: '0' })
    for (let told = 0; told < 3; told++) await follower.next()
    expect(gw.gateway.listeners()).toBeGreaterThan(before)
    follower.leave()
    await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before)
  })
})

test('many may follow, and the process has nothing to complain about', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  await using gw = await startTestGateway()
  const { id } = await gw.createLipSync()
  const followers = await Promise.all(Array.from({ length: 40 }, () => overWebSocket(gw, { id, after: '0' })))
  for (const follower of followers) expect(await follower.next()).toMatchObject({ stage: 'QUEUED' })
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

/** Numbers from 0 up to, not including, 1: always the same for the same seed. */
const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** Reads some, drops the connection, resumes after the last cursor seen, up to the one that turns out to be the last. */
const readWithDrops = async (gw: TestGateway, follow: Follow, random: () => number, last: Promise<string>) => {
  const seen: SeenTask[] = []
  let end: string | undefined
  void last.then(cursor => {
    end = cursor
  })
  while (!end || seen.at(-1)?.cursor !== end) {
    const follower = await follow(gw, { after: seen.at(-1)?.cursor ?? '0' })
    const patience = random() < 0.3 ? 0 : Math.ceil(random() * 40)
    for (let i = 0; i < patience; i++) {
      const next = follower.next()
      await Promise.race([next, last])
      if (end && seen.at(-1)?.cursor === end) break
      const task = await next
      if (task) seen.push(task)
    }
    follower.leave()
  }
  return seen
}

test.each([1, 2])('however often clients drop out and resume, each one saw the log (seed %i)', async seed => {
  await using gw = await startTestGateway({ submits: { perMinute: 10_000 } })
  const random = seeded(seed)
  const ids: string[] = []
  const live = async () => {
    for (let round = 0; round < 6; round++) {
      for (let i = random() * 5; i > 0; i--)
        ids.push((await gw.createLipSync({ videoUrl: `https://v.example/${ids.length}` })).id)
      for (const { taskId, status } of gw.jogg.jobs.accepted())
        if (random() < 0.5 && status !== 'success')
          status === 'pending' ? gw.jogg.process(taskId) : gw.jogg.finish(taskId)
      await gw.clock.advance(Math.ceil(random() * 8_000))
    }
    const log = (await Promise.all(ids.map(id => gw.gateway.tasks.history(id)))).flat()
    return log.sort((a, b) => a.task.seq - b.task.seq)
  }
  const finished = live()
  const last = finished.then(log => String(log.at(-1)?.task.seq))
  const clients = [overWebSocket, overWebSocket, overEventStream, overEventStream]
  const lists = await Promise.all(clients.map((follow, i) => readWithDrops(gw, follow, seeded(seed * 100 + i), last)))

  const log = await finished
  expect(log.length).toBeGreaterThan(40)
  expect(new Set(log.map(step => step.task.seq)).size).toBe(log.length)
  const truth = log.map(({ task }) => [task.id, task.stage.toUpperCase(), String(task.seq)])
  for (const list of lists) expect(list.map(task => [task.id, task.stage, task.cursor])).toEqual(truth)
})
