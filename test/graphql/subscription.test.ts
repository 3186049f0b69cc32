import { describe, expect, test } from 'vitest'
import { openEventStream } from '../support/event-stream.js'
import { EVENT_FIELDS, type SeenEvent, startTestGateway } from '../support/gateway.js'
import { accepted, failed, pending, processing, success } from '../support/jogg.js'
import { openSocket } from '../support/socket.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

const FOLLOW_ONE = `subscription ($id: ID!, $after: String) { it: taskUpdated(id: $id, after: $after) { ${EVENT_FIELDS} } }`
const FOLLOW_ALL = `subscription ($after: String) { it: tasksUpdated(after: $after) { ${EVENT_FIELDS} } }`

interface Follower {
  /** The next event; undefined when the server completed the subscription. */
  next(): Promise<SeenEvent | undefined>
  leave(): void
}
/** Follows one task with an id, all without. */
type Follow = (gw: TestGateway, variables?: { id?: string; after?: string }) => Promise<Follower>

const overWebSocket: Follow = async (gw, variables = {}) => {
  const client = await openSocket(gw.url)
  await client.init()
  client.ask('1', variables.id ? FOLLOW_ONE : FOLLOW_ALL, variables)
  return {
    next: async () => (await client.next()).payload?.data.it,
    leave: () => client.socket.terminate(),
  }
}

const overEventStream: Follow = async (gw, variables = {}) => {
  const stream = await openEventStream(gw.url, variables.id ? FOLLOW_ONE : FOLLOW_ALL, variables)
  return { next: async () => (await stream.next())?.data?.data.it, leave: stream.leave }
}

async function rest(follower: Follower) {
  const seen: SeenEvent[] = []
  for (let task = await follower.next(); task; task = await follower.next()) seen.push(task)
  return seen
}
function stages(events: readonly (SeenEvent | undefined)[]) {
  return events.map(event => event?.stage)
}

const transports = { overWebSocket, overEventStream }
describe.each(Object.entries(transports))('%s', (_name, follow) => {
  test('a task is followed from its current state to its final one', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(pending(), processing(), success())
    const { id } = await gw.createLipSync()
    await gw.clock.advance(0)
    const follower = await follow(gw, { id })
    const first = await follower.next()
    expect(first).toMatchObject({ stage: 'SUBMITTED', status: 'PENDING', task: { id, stage: 'SUBMITTED' } })
    expect(first?.task).toEqual(await gw.task(id))
    await gw.clock.advance(8_000)
    expect(await follower.next()).toMatchObject({ stage: 'PROCESSING', task: { result: null } })
    await gw.clock.advance(6_000)
    expect(stages(await rest(follower))).toEqual(['SUCCESS'])
  })

  test('a final task yields its final event once, with any cursor', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(failed('no face'))
    const { id } = await gw.createLipSync()
    await gw.clock.advance(3_000)
    const [end, ...more] = await rest(await follow(gw, { id }))
    expect(end).toMatchObject({ stage: 'FAILED', task: { failure: { message: 'no face' } } })
    expect(more).toEqual([])
    await gw.createLipSync()
    for (const after of [end?.cursor, await gw.gateway.tasks.cursor()])
      expect(await rest(await follow(gw, { id, after: after ?? '' }))).toEqual([end])
  })

  test('repeats every event after a cursor, each with the task as it is now', async () => {
    await using gw = await startTestGateway()
    gw.jogg.plays(processing(), success({ seconds: 2 }))
    const { id } = await gw.createLipSync({ reference: 'r' })
    await gw.clock.advance(9_000)
    await gw.createLipSync({ reference: 'another' })
    const events = await rest(await follow(gw, { id, after: '0' }))
    expect(stages(events)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED', 'PROCESSING', 'SUCCESS'])
    const now = await gw.task(id)
    for (const [i, event] of events.entries()) {
      expect(event.status).toBe(['PENDING', 'PENDING', 'PENDING', 'PROCESSING', 'SUCCESS'][i])
      expect(event.task).toEqual(now)
    }
    const last = events.length - 1
    for (const [i, { cursor }] of events.entries())
      expect(await rest(await follow(gw, { id, after: cursor }))).toEqual(events.slice(Math.min(i + 1, last)))
  })

  test('all tasks are followed from now on, or after a cursor', async () => {
    await using gw = await startTestGateway()
    await gw.createLipSync()
    await gw.clock.advance(0)
    const before = gw.gateway.listeners()
    const [news, all] = [await follow(gw), await follow(gw, { after: '0' })]
    const three = async (follower: Follower) => [await follower.next(), await follower.next(), await follower.next()]
    expect(stages(await three(all))).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED'])
    await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before + 2)
    const second = await gw.createLipSync()
    await gw.clock.advance(0)
    for (const follower of [news, all]) {
      const seen = await three(follower)
      expect(seen.map(event => event?.task.id)).toEqual([second.id, second.id, second.id])
      expect(stages(seen)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED'])
    }
  })

  test('releases a follower as soon as it leaves, even while nothing happens', async () => {
    await using gw = await startTestGateway()
    const before = gw.gateway.listeners()
    await gw.createLipSync()
    await gw.clock.advance(0)
    const follower = await follow(gw, { after: '0' })
    for (let i = 0; i < 3; i++) await follower.next()
    expect(gw.gateway.listeners()).toBeGreaterThan(before)
    follower.leave()
    await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before)
  })
})

test('forty followers cause no process warning', async () => {
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
function seeded(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Reads some, drops the connection, resumes after the last cursor seen, up to the one that turns out to be the last. */
async function readWithDrops(gw: TestGateway, follow: Follow, random: () => number, last: Promise<string>) {
  const seen: SeenEvent[] = []
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

test.each([1, 2])('clients that drop out and resume see the whole log (seed %i)', async seed => {
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
  const last = finished.then(log => log.at(-1)?.cursor ?? '')
  const clients = [overWebSocket, overWebSocket, overEventStream, overEventStream]
  const lists = await Promise.all(clients.map((follow, i) => readWithDrops(gw, follow, seeded(seed * 100 + i), last)))

  const log = await finished
  expect(log.length).toBeGreaterThan(40)
  expect(new Set(log.map(step => step.cursor)).size).toBe(log.length)
  const truth = log.map(({ task, cursor }) => [task.id, task.stage.toUpperCase(), cursor])
  for (const list of lists) expect(list.map(event => [event.task.id, event.stage, event.cursor])).toEqual(truth)
})

test('a filter selects events by the task as it was then', async () => {
  await using gw = await startTestGateway()
  const query = 'subscription ($filter: LipSyncTaskFilter) { tasksUpdated(filter: $filter) { stage task { id } } }'
  const follow = async (filter: object) => {
    const client = await openSocket(gw.url)
    await client.init()
    client.ask('1', query, { filter })
    return async () => (await client.next()).payload.data.tasksUpdated
  }
  const before = gw.gateway.listeners()
  const [ends, mine] = [await follow({ status: ['SUCCESS', 'FAILED'] }), await follow({ reference: 'mine' })]
  await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before + 2)
  gw.jogg.plays(accepted('a'), success(), accepted('b'), failed('no face'))
  const other = await gw.createLipSync({ reference: 'other' })
  await gw.clock.advance(3_000)
  const own = await gw.createLipSync({ reference: 'mine' })
  await gw.clock.advance(3_000)
  expect([await ends(), await ends()]).toEqual([
    { stage: 'SUCCESS', task: { id: other.id } },
    { stage: 'FAILED', task: { id: own.id } },
  ])
  for (const stage of ['QUEUED', 'SUBMITTING', 'SUBMITTED', 'FAILED'])
    expect(await mine()).toEqual({ stage, task: { id: own.id } })
})

test.each(['x', '', '-1', '0x1', '1', '٣', 'other-1', '0-', 'x-'])('rejects the cursor %j', async after => {
  await using gw = await startTestGateway()
  await gw.createLipSync()
  await expect(gw.watch(undefined, after).next()).rejects.toThrow(
    after === 'other-1' ? 'CURSOR_UNKNOWN' : 'BAD_USER_INPUT',
  )
})

test('rejects a cursor beyond the end of the log as one of another history', async () => {
  await using gw = await startTestGateway()
  const { id } = await gw.createLipSync()
  const [epoch, seq] = (await gw.gateway.tasks.cursor()).split('-')
  const beyond = `${epoch}-${Number(seq) + 1_000}`
  await expect(gw.watch(undefined, beyond).next()).rejects.toThrow('CURSOR_UNKNOWN')
  await expect(gw.watch(id, beyond).next()).rejects.toThrow('CURSOR_UNKNOWN')
  await expect(gw.watch(id, 'another-1').next()).rejects.toThrow('CURSOR_UNKNOWN')
})
