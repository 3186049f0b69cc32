import { request } from 'node:http'
import { expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'
import { success } from '../support/jogg.js'
import { rest } from '../support/rest.js'

type Gateway = Awaited<ReturnType<typeof startTestGateway>>

const CREATE = '/v2/create_lip_sync_video'
const INPUTS = { video_url: VIDEO, audio_url: AUDIO }
const LOOK_UP = `/v2/lip_sync_video?${new URLSearchParams(INPUTS)}`
const create = (gw: Gateway, headers: Record<string, string> = {}) =>
  rest(gw.url, CREATE, { method: 'POST', body: INPUTS, headers })
/** Resolves when `count` requests wait for a task. */
const waiting = async (gw: Gateway, count: number, before: number) => {
  while (gw.gateway.listeners() < before + count) await new Promise(setImmediate)
}

const WAITS: [string, (gw: Gateway, id: string, seconds: number) => Promise<{ id: string; status: string }>][] = [
  [
    'Prefer: wait on the status',
    async (gw, id, seconds) => {
      const answer = await rest(gw.url, `/v2/lip_sync_video/${id}`, { headers: { prefer: `wait=${seconds}` } })
      expect(answer.headers['preference-applied']).toBe(`wait=${seconds}`)
      return { id: answer.json.data.task_id, status: answer.json.data.status.toUpperCase() }
    },
  ],
  [
    'Prefer: wait on the look-up',
    async (gw, _, seconds) => {
      const { json } = await rest(gw.url, LOOK_UP, { headers: { prefer: `respond-async, wait=${seconds}` } })
      return { id: json.data.task_id, status: json.data.status.toUpperCase() }
    },
  ],
  [
    'lipSyncTask(waitSeconds:)',
    async (gw, id, seconds) => {
      const { data } = await gw.graphql(`{ lipSyncTask(id: "${id}", waitSeconds: ${seconds}) { id status } }`)
      return data.lipSyncTask
    },
  ],
]

test.each(WAITS)('%s responds at the final state', async (_, wait) => {
  await using gw = await startTestGateway()
  gw.jogg.plays(success())
  const { id } = await gw.createLipSync()
  const before = gw.gateway.listeners()
  const answer = wait(gw, id, 60)
  await waiting(gw, 1, before)
  await gw.clock.advance(10_000)
  expect(await answer).toEqual({ id, status: 'SUCCESS' })
  expect(gw.gateway.listeners()).toBe(before)
  // It is final now: nothing to wait for.
  expect(await wait(gw, id, 60)).toEqual({ id, status: 'SUCCESS' })
})

test.each(WAITS)(
  '%s responds with the state as it is when the time is up, and asks the upstream nothing',
  async (_, wait) => {
    await using gw = await startTestGateway({ poll: { firstMs: 100_000, maxMs: 100_000 } })
    const { id } = await gw.createLipSync()
    await gw.clock.advance(0)
    const before = gw.gateway.listeners()
    const answer = wait(gw, id, 20)
    await waiting(gw, 1, before)
    await gw.clock.advance(20_000)
    expect(await answer).toEqual({ id, status: 'PENDING' })
    expect(gw.gateway.listeners()).toBe(before)
    expect(gw.jogg.calls('status')).toEqual([])
  },
)

test.each(WAITS)('%s ends at the shutdown with the state as it is', async (_, wait) => {
  const gw = await startTestGateway()
  const { id } = await gw.createLipSync()
  await gw.clock.advance(0)
  const answer = wait(gw, id, 60)
  await waiting(gw, 1, gw.gateway.listeners())
  await gw[Symbol.asyncDispose]()
  expect(await answer).toEqual({ id, status: 'PENDING' })
})

test('a create that waits returns the whole task', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(success())
  const before = gw.gateway.listeners()
  const answer = create(gw, { prefer: 'wait=500' })
  await waiting(gw, 1, before)
  await gw.clock.advance(10_000)
  const { json, headers } = await answer
  expect(headers['preference-applied']).toBe('wait=60')
  expect(json.data).toMatchObject({ status: 'success', data: { duration_seconds: 12.5 }, error: null })
})

test('createLipSync waits by its input, and checks the range before anything is stored', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(success())
  const before = gw.gateway.listeners()
  const answer = gw.createLipSync({ waitSeconds: 30 })
  await waiting(gw, 1, before)
  await gw.clock.advance(10_000)
  expect((await answer).status).toBe('SUCCESS')
  for (const waitSeconds of [-1, 61]) {
    const { data } = await gw.create({ waitSeconds })
    expect(data.createLipSync.errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['input', 'waitSeconds'] }])
    const task = await gw.graphql(`{ lipSyncTask(id: "x", waitSeconds: ${waitSeconds}) { id } }`)
    expect(task.data?.lipSyncTask ?? null).toBeNull()
  }
  expect(await gw.gateway.tasks.list()).toHaveLength(1)
})

test('a wait counts as a subscription; a preference beyond the limit is ignored, a GraphQL wait is refused', async () => {
  await using gw = await startGatewayWithKeys({ callerLimits: { subscriptions: 1 } })
  const { text: key } = await gw.createKey('me')
  const headers = { 'x-api-key': key }
  const { task_id: id } = (await create(gw, headers)).json.data
  await gw.clock.advance(0)
  const before = gw.gateway.listeners()
  const first = rest(gw.url, `/v2/lip_sync_video/${id}`, { headers: { ...headers, prefer: 'wait=60' } })
  await waiting(gw, 1, before)
  const { data } = await gw.graphql('{ viewer { limits { subscriptions { left } } } }', {}, headers)
  expect(data.viewer.limits.subscriptions.left).toBe(0)

  const second = await rest(gw.url, `/v2/lip_sync_video/${id}`, { headers: { ...headers, prefer: 'wait=60' } })
  expect(second.json.data.status).toBe('pending')
  expect(second.headers['preference-applied']).toBeUndefined()
  expect((await create(gw, { ...headers, prefer: 'wait=60' })).json.data.status).toBe('pending')
  const refused = await gw.graphql(`{ lipSyncTask(id: "${id}", waitSeconds: 5) { id } }`, {}, headers)
  expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'subscriptions' })

  await gw.clock.advance(60_000)
  expect((await first).json.code).toBe(0)
})

test('a client that leaves frees its subscription at once', async () => {
  await using gw = await startTestGateway()
  const { id } = await gw.createLipSync()
  await gw.clock.advance(0)
  const before = gw.gateway.listeners()
  const query = `{ lipSyncTask(id: "${id}", waitSeconds: 60) { id } }`
  const waits = [
    request(`${gw.url}/v2/lip_sync_video/${id}`, { headers: { prefer: 'wait=60' }, agent: false }),
    request(`${gw.url}/graphql?query=${encodeURIComponent(query)}`, { agent: false }),
    request(`${gw.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, agent: false }),
  ]
  for (const req of waits) {
    req.on('error', () => {})
    req.end(req.method === 'POST' ? JSON.stringify({ query }) : undefined)
    await waiting(gw, 1, before)
    req.destroy()
    while (gw.gateway.listeners() > before) await new Promise(setImmediate)
  }
})

test('a change around the first read of a wait is not missed', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  await gw.createLipSync()
  await gw.clock.advance(0)
  for (let turns = 0; turns < 30; turns++) {
    const { id } = await gw.createLipSync({ audioUrl: `${AUDIO}?${turns}` })
    const wait = gw.gateway.tasks.wait(id, { seconds: 60 })
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await gw.gateway.tasks.cancel(id)
    expect((await wait)?.stage).toBe('canceled')
  }
})

test('a look-up waits for a create of the same inputs that is under way', async () => {
  await using gw = await startTestGateway()
  const { tasks } = gw.gateway
  const inputs = { videoUrl: VIDEO, audioUrl: AUDIO, playbackType: 'normal' } as const
  const created = tasks.create(inputs)
  const found = tasks.findByInputs(inputs)
  expect((await found)?.id).toBe((await created).id)
})
