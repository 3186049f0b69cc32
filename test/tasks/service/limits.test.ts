import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startGatewayWithKeys } from '../../support/callers.js'
import { AUDIO, VIDEO } from '../../support/gateway.js'
import { accepted, code, success } from '../../support/jogg.js'

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>

const create = (gw: Gateway, headers: Record<string, string>, input: object = {}) =>
  gw.graphql(
    'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { id } }',
    { input: { videoUrl: VIDEO, audioUrl: AUDIO, ...input } },
    headers,
  )
const usage = async (gw: Gateway, headers: Record<string, string>) =>
  (
    await gw.graphql(
      '{ usage { month seconds creditsSpent creditsReserved creditsBudget tasks { status count } } }',
      {},
      headers,
    )
  ).data.usage[0]

test('a budget is never overdrawn, not by two hundred at once', async () => {
  await using gw = await startGatewayWithKeys()
  const limits = { monthlyCredits: 2, createsPerMinute: 1_000, waitingTasks: 1_000 }
  const { headers } = await gw.createKey('me', { limits })
  const answers = await Promise.all(Array.from({ length: 200 }, () => create(gw, headers)))
  const refused = answers.flatMap(({ errors }) => errors ?? [])
  // 60 s are taken for each, 0.48 credits: four fit.
  expect(refused).toHaveLength(196)
  expect(new Set(refused.map(error => JSON.stringify(error.extensions)))).toEqual(
    new Set([JSON.stringify({ creditsLeft: 0.08, code: 'BUDGET_EXCEEDED' })]),
  )
  expect(await usage(gw, headers)).toMatchObject({ creditsSpent: 0, creditsReserved: 1.92, creditsBudget: 2 })
  const small = await create(gw, headers, { expectedDurationSeconds: 10 })
  expect(small.data?.createLipSync.id).toBeDefined()
})

test('what was set aside is spent by the true length, or free again', async () => {
  await using gw = await startGatewayWithKeys()
  gw.jogg.plays(accepted('up'), code('submit', 40000, 'no'), success({ seconds: 12.5 }))
  const { headers } = await gw.createKey('me', { limits: { monthlyCredits: 1 } })
  await create(gw, headers)
  await create(gw, headers, { videoUrl: `${VIDEO}?bad` })
  expect(await usage(gw, headers)).toMatchObject({ creditsReserved: 0.96 })
  await gw.clock.advance(3_000)
  expect(await usage(gw, headers)).toEqual({
    month: '2025-01',
    seconds: 12.5,
    creditsSpent: 0.1,
    creditsReserved: 0,
    creditsBudget: 1,
    tasks: [
      { status: 'PENDING', count: 0 },
      { status: 'PROCESSING', count: 0 },
      { status: 'SUCCESS', count: 1 },
      { status: 'FAILED', count: 1 },
      { status: 'CANCELED', count: 0 },
    ],
  })
})

test('creates beyond the rate are refused, and told when to come again', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { createsPerMinute: 2 } })
  await create(gw, headers)
  await create(gw, headers)
  const third = await create(gw, headers)
  expect(third.status).toBe(429)
  expect(third.errors?.[0]?.extensions).toEqual({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(50)
  const other = await gw.createKey('you')
  expect((await create(gw, other.headers)).errors).toBeUndefined()
})

test('no more tasks wait than may', async () => {
  await using gw = await startGatewayWithKeys({ submitsPerMinute: 1 })
  const { headers } = await gw.createKey('me', { limits: { waitingTasks: 2 } })
  await create(gw, headers)
  await gw.clock.advance(0)
  await create(gw, headers)
  await create(gw, headers)
  const beyond = await create(gw, headers)
  expect(beyond.errors?.[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'waitingTasks' })
})

test('subscriptions are counted, and a place is free when one is left', async () => {
  await using gw = await startGatewayWithKeys()
  const { text } = await gw.createKey('me', { limits: { subscriptions: 1 } })
  const { data } = await create(gw, { 'x-api-key': text })
  const first = gw.watch(data.createLipSync.id, '0', text)
  await first.next()
  await expect(gw.watch(undefined, undefined, text).next()).rejects.toThrow('LIMIT_EXCEEDED')
  await first.leave()
  await gw.graphql('{ lipSyncEstimate(durationSeconds: 1) { credits } }', {}, { 'x-api-key': text })
  expect(await gw.watch(data.createLipSync.id, '0', text).next()).toMatchObject({ stage: 'QUEUED' })
})

test('sockets of one caller are counted', async () => {
  await using gw = await startGatewayWithKeys()
  const { text } = await gw.createKey('me', { limits: { sockets: 1 } })
  const open = async () => {
    const socket = new WebSocket(`${gw.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: { 'X-API-Key': text } }))
    return socket
  }
  const first = await open()
  expect(JSON.parse(String((await once(first, 'message'))[0]))).toEqual({ type: 'connection_ack' })
  const second = await open()
  const [closeCode, reason] = await once(second, 'close')
  expect([closeCode, String(reason)]).toEqual([4429, 'Socket limit of 1 per caller reached'])
  first.close()
  await once(first, 'close')
})

test("one caller's many tasks do not hold another's one, and both are told their true place", async () => {
  await using gw = await startGatewayWithKeys({ submitsPerMinute: 1 })
  const [big, small] = [await gw.createKey('big'), await gw.createKey('small')]
  for (let i = 0; i < 5; i++) await create(gw, big.headers, { videoUrl: `${VIDEO}?big${i}` })
  await gw.clock.advance(0)
  await create(gw, small.headers, { videoUrl: `${VIDEO}?small` })
  const places = async ({ headers }: typeof big) => {
    const { data } = await gw.graphql('{ lipSyncTasks { edges { node { queuePosition } } } }', {}, headers)
    return data.lipSyncTasks.edges.map((edge: { node: { queuePosition: number | null } }) => edge.node.queuePosition)
  }
  expect(await places(small)).toEqual([1])
  expect(await places(big)).toEqual([5, 4, 3, 2, null])
  await gw.clock.advance(4 * 60_000)
  const sent = gw.jogg.calls('submit').map(call => call.inputs?.videoUrl?.split('?')[1])
  expect(sent).toEqual(['big0', 'small', 'big1', 'big2', 'big3'])
})

test('a budget that is used up lets nothing through, however short it is said to be', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { monthlyCredits: 0 } })
  const { errors } = await create(gw, headers, { expectedDurationSeconds: 0 })
  expect(errors?.[0]?.extensions?.code).toBe('BUDGET_EXCEEDED')
})

test('repeats of one create are not counted against the rate', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { createsPerMinute: 2 } })
  const input = { idempotencyKey: 'order 7' }
  const answers = await Promise.all(Array.from({ length: 50 }, () => create(gw, headers, input)))
  expect(new Set(answers.map(({ data }) => data?.createLipSync.id)).size).toBe(1)
  expect((await create(gw, headers, input)).data.createLipSync.id).toBe(answers[0]?.data.createLipSync.id)
  expect((await create(gw, headers)).errors).toBeUndefined()
})

test('a burst of subscriptions on one socket is counted too', async () => {
  await using gw = await startGatewayWithKeys()
  const { text } = await gw.createKey('me', { limits: { subscriptions: 2 } })
  const client = gw.client(text)
  const query = 'subscription { taskUpdated { id } }'
  const refused = Array.from({ length: 20 }, () => client.iterate({ query }).next())
  let count = 0
  await new Promise<void>(resolve => {
    for (const each of refused)
      void each.then(({ value }) => {
        if (value?.errors?.[0]?.extensions?.code === 'LIMIT_EXCEEDED' && ++count === 18) resolve()
      })
  })
})
