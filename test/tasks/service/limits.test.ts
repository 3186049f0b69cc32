import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startGatewayWithKeys } from '../../support/callers.js'
import { AUDIO, ERROR_FIELDS, type SeenUserError, VIDEO } from '../../support/gateway.js'
import { accepted, code, success } from '../../support/jogg.js'
import { SLACK_MS } from '../../support/manual-clock.js'
import { openSocket } from '../../support/socket.js'

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>

const create = (gw: Gateway, headers: Record<string, string>, input: object = {}) =>
  gw.graphql(
    `mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } ${ERROR_FIELDS} } }`,
    { input: { videoUrl: VIDEO, audioUrl: AUDIO, ...input } },
    headers,
  )
/** Returns the payload of a create: the id of the task, or the mistakes. */
const created = async (...args: Parameters<typeof create>) => {
  const { data } = await create(...args)
  return data.createLipSync as { task: { id: string } | null; errors: SeenUserError[] }
}
const usage = async (gw: Gateway, headers: Record<string, string>) =>
  (
    await gw.graphql(
      '{ viewer { usage { month durationSeconds creditsSpent creditsReserved tasks { status count } } } }',
      {},
      headers,
    )
  ).data.viewer.usage[0]

test('two hundred concurrent creates do not exceed a budget', async () => {
  await using gw = await startGatewayWithKeys()
  const limits = { monthlyCredits: 2, createsPerMinute: 1_000, waitingTasks: 1_000 }
  const { headers } = await gw.createKey('me', { limits })
  const payloads = await Promise.all(Array.from({ length: 200 }, () => created(gw, headers)))
  // Each reserves 60 s, 0.48 credits: four fit.
  const refused = payloads.filter(payload => payload.task === null)
  expect(refused).toHaveLength(196)
  for (const { errors } of refused) expect(errors).toMatchObject([{ code: 'BUDGET_EXCEEDED', creditsLeft: 0.08 }])
  expect(await usage(gw, headers)).toMatchObject({ creditsSpent: 0, creditsReserved: 1.92 })
  const small = await created(gw, headers, { expectedDurationSeconds: 10 })
  expect(small.errors).toEqual([])
})

test('a reservation becomes the true price of a result, or is released', async () => {
  await using gw = await startGatewayWithKeys()
  gw.jogg.plays(accepted('up'), code('submit', 40000, 'no'), success({ seconds: 12.5 }))
  const { headers } = await gw.createKey('me', { limits: { monthlyCredits: 1 } })
  await create(gw, headers)
  await create(gw, headers, { videoUrl: `${VIDEO}?bad` })
  expect(await usage(gw, headers)).toMatchObject({ creditsReserved: 0.96 })
  await gw.clock.advance(3_000 + SLACK_MS)
  expect(await usage(gw, headers)).toEqual({
    month: '2025-01',
    durationSeconds: 12.5,
    creditsSpent: 0.1,
    creditsReserved: 0,
    tasks: [
      { status: 'PENDING', count: 0 },
      { status: 'PROCESSING', count: 0 },
      { status: 'SUCCESS', count: 1 },
      { status: 'FAILED', count: 1 },
      { status: 'CANCELED', count: 0 },
    ],
  })
})

test('rejects creates beyond the rate until the minute of the first one is over', async () => {
  await using gw = await startGatewayWithKeys()
  const limits = { createsPerMinute: 2 }
  const [{ headers }, second] = [await gw.createKey('me', { limits }), await gw.createKey('me', { limits })]
  expect((await created(gw, headers)).errors).toEqual([])
  await gw.clock.advance(20_000)
  expect((await created(gw, second.headers)).errors).toEqual([])
  for (const key of [headers, second.headers])
    expect((await created(gw, key)).errors).toMatchObject([{ code: 'RATE_LIMITED', retryAfterSeconds: 40 }])
  const other = await gw.createKey('you', { limits })
  expect((await created(gw, other.headers)).errors).toEqual([])
  await gw.clock.advance(39_999 - SLACK_MS)
  const [limited] = (await created(gw, headers)).errors
  expect(limited).toMatchObject({ code: 'RATE_LIMITED' })
  expect(limited?.retryAfterSeconds).toBeGreaterThanOrEqual(1)
  expect(limited?.retryAfterSeconds).toBeLessThanOrEqual(Math.ceil((1 + SLACK_MS) / 1_000))
  await gw.clock.advance(1 + 2 * SLACK_MS)
  expect((await created(gw, headers)).errors).toEqual([])
})

test('the rate of creates does not depend on the wall clock', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { createsPerMinute: 1 } })
  await create(gw, headers)
  gw.clock.setWall(3_600_000)
  expect((await created(gw, headers)).errors).toMatchObject([{ code: 'RATE_LIMITED', retryAfterSeconds: 60 }])
  gw.clock.setWall(-7_200_000)
  await gw.clock.advance(60_000)
  expect((await created(gw, headers)).errors).toEqual([])
})

test('a caller sees its name, scopes and limits, and what is left of them', async () => {
  await using gw = await startGatewayWithKeys({ submits: { perMinute: 1 } })
  const limits = { createsPerMinute: 5, waitingTasks: 4, subscriptions: 3, sockets: 2, monthlyCredits: 2 }
  const { headers, text } = await gw.createKey('me', { limits, scopes: ['create', 'read'] })
  const query = `{ viewer { name scopes limits { createsPerMinute { max left } waitingTasks { max left }
    subscriptions { max left } sockets { max left } monthlyCredits { max left } } } }`
  await create(gw, headers)
  await gw.clock.advance(0)
  await create(gw, headers)
  const watch = gw.watch(undefined, '0', text)
  await watch.next()
  const { data } = await gw.graphql(query, {}, headers)
  expect(data.viewer).toEqual({
    name: 'me',
    scopes: ['READ', 'CREATE'],
    limits: {
      createsPerMinute: { max: 5, left: 3 },
      waitingTasks: { max: 4, left: 3 },
      subscriptions: { max: 3, left: 2 },
      sockets: { max: 2, left: 1 },
      monthlyCredits: { max: 2, left: 1.04 },
    },
  })
})

test('rejects creates beyond the limit of waiting tasks', async () => {
  await using gw = await startGatewayWithKeys({ submits: { perMinute: 1 } })
  const { headers } = await gw.createKey('me', { limits: { waitingTasks: 2 } })
  await create(gw, headers)
  await gw.clock.advance(0)
  await create(gw, headers)
  await create(gw, headers)
  expect((await created(gw, headers)).errors).toMatchObject([
    { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('2 queued tasks'), path: null },
  ])
})

test('limits subscriptions, and one that ends makes room for another', async () => {
  await using gw = await startGatewayWithKeys()
  const { text } = await gw.createKey('me', { limits: { subscriptions: 1 } })
  const { data } = await create(gw, { 'x-api-key': text })
  const first = gw.watch(data.createLipSync.task.id, '0', text)
  await first.next()
  await expect(gw.watch(undefined, undefined, text).next()).rejects.toThrow('LIMIT_EXCEEDED')
  await first.leave()
  await gw.graphql('{ lipSyncEstimate(durationSeconds: 1) { credits } }', {}, { 'x-api-key': text })
  expect(await gw.watch(data.createLipSync.task.id, '0', text).next()).toMatchObject({ stage: 'QUEUED' })
})

test('the sockets of a caller are limited', async () => {
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

test('callers take turns, and both see their true queue position', async () => {
  await using gw = await startGatewayWithKeys({ submits: { perMinute: 1 } })
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
  await gw.clock.advance(4 * (60_000 + SLACK_MS))
  const sent = gw.jogg.calls('submit').map(call => call.inputs?.videoUrl?.split('?')[1])
  expect(sent).toEqual(['big0', 'small', 'big1', 'big2', 'big3'])
})

test('a used-up budget rejects a create of any expected length', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { monthlyCredits: 0 } })
  expect((await created(gw, headers, { expectedDurationSeconds: 0 })).errors).toMatchObject([
    { code: 'BUDGET_EXCEEDED', creditsLeft: 0 },
  ])
})

test('repeats of a create count once against the rate', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { createsPerMinute: 2 } })
  const input = { idempotencyKey: 'order 7' }
  const payloads = await Promise.all(Array.from({ length: 50 }, () => create(gw, headers, input)))
  expect(new Set(payloads.map(({ data }) => data?.createLipSync.id)).size).toBe(1)
  expect((await create(gw, headers, input)).data.createLipSync.task.id).toBe(payloads[0]?.data.createLipSync.task.id)
  expect((await create(gw, headers)).errors).toBeUndefined()
})

test('accepts exactly as many of twenty simultaneous subscriptions on one socket as the limit allows', async () => {
  await using gw = await startGatewayWithKeys()
  const { text, headers } = await gw.createKey('me', { limits: { subscriptions: 2 } })
  const client = gw.client(text)
  const query = 'subscription { tasksUpdated { stage } }'
  const first = Array.from({ length: 20 }, () => client.iterate<{ tasksUpdated: { stage: string } }>({ query }).next())
  const refused: unknown[] = []
  const accepted: unknown[] = []
  for (const each of first)
    void each.then(({ value }) => {
      if (value?.errors) refused.push(value.errors[0]?.extensions)
      else accepted.push(value?.data)
    })
  await expect.poll(() => refused.length, { interval: 1 }).toBe(18)
  await create(gw, headers)
  await expect.poll(() => accepted.length, { interval: 1 }).toBe(2)
  expect(refused).toEqual(Array.from({ length: 18 }, () => ({ code: 'LIMIT_EXCEEDED', limit: 'subscriptions' })))
  expect(accepted).toEqual(Array.from({ length: 2 }, () => ({ tasksUpdated: { stage: 'QUEUED' } })))
})

test('watch tokens for invented references open at most five times the sockets of their caller', async () => {
  await using gw = await startGatewayWithKeys()
  const { text, headers } = await gw.createKey('me', { limits: { sockets: 2 } })
  const tokens: string[] = []
  for (let i = 0; i < 20; i++) {
    const mutation = `mutation { createWatchToken(input: { reference: "r${i}" }) { watchToken { token } } }`
    tokens.push((await gw.graphql(mutation, {}, headers)).data.createWatchToken.watchToken.token)
  }
  const logIn = async (credential: string) => {
    const client = await openSocket(gw.url)
    client.send({ type: 'connection_init', payload: { authorization: `Bearer ${credential}` } })
    const outcome = await Promise.race([client.next().then(({ type }) => type), client.closed.then(({ code }) => code)])
    return { client, outcome }
  }
  const logins = await Promise.all(tokens.map(logIn))
  const outcomes = logins.map(({ outcome }) => outcome)
  expect(outcomes.filter(outcome => outcome === 'connection_ack')).toHaveLength(10)
  expect(outcomes.filter(outcome => outcome === 4429)).toHaveLength(10)
  const own = await logIn(text)
  expect(own.outcome).toBe('connection_ack')
  const left = async () => {
    const { data } = await gw.graphql('{ viewer { limits { sockets { left } } } }', {}, headers)
    return data.viewer.limits.sockets.left
  }
  expect(await left()).toBe(1)
  for (const { client } of [...logins, own]) client.socket.close()
  await Promise.all([...logins, own].map(({ client }) => client.closed))
  await expect.poll(left, { interval: 1 }).toBe(2)
})

test('watch tokens for invented references share a limit, and leave the subscriptions of the caller alone', async () => {
  await using gw = await startGatewayWithKeys()
  const { text, headers } = await gw.createKey('me', { limits: { subscriptions: 1 } })
  const mint = async (reference: string): Promise<string> => {
    const query = `mutation { createWatchToken(input: { reference: "${reference}" }) { watchToken { token } } }`
    return (await gw.graphql(query, {}, headers)).data.createWatchToken.watchToken.token
  }
  const before = gw.gateway.listeners()
  const watches = []
  for (let i = 0; i < 5; i++) {
    const watch = gw.watch(undefined, undefined, await mint(`r${i}`))
    void watch.next()
    watches.push(watch)
    await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before + i + 1)
  }
  await expect(gw.watch(undefined, undefined, await mint('r5')).next()).rejects.toThrow('LIMIT_EXCEEDED')
  void gw.watch(undefined, undefined, text).next()
  await expect.poll(() => gw.gateway.listeners(), { interval: 1 }).toBe(before + 6)
})
