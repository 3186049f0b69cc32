import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startGatewayWithKeys } from '../support/callers.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>

const ANY = '{ lipSyncTasks { edges { node { id } } } }'
test('the first key closes an open gateway', async () => {
  await using gw = await startGatewayWithKeys()
  expect((await gw.graphql(ANY)).status).toBe(200)
  const { text } = await gw.createKey('me')
  await gw.clock.advance(1_000)
  const closed = await gw.graphql(ANY)
  expect(closed.status).toBe(401)
  expect(closed.headers.get('www-authenticate')).toBe('Bearer')
  expect(closed.errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' })
  expect((await gw.graphql(ANY, {}, { 'x-api-key': text })).status).toBe(200)
})

test('unauthenticated requests get no schema information', async () => {
  await using gw = await startGatewayWithKeys()
  await gw.createKey('me')
  await gw.clock.advance(1_000)
  for (const query of ['{ __schema { types { name } } }', '{ lipSyncTaks }', '{'])
    expect((await gw.graphql(query)).errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' })
})

test('an operation without its scope is forbidden', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('reader', { scopes: ['read'] })
  const query = `mutation { createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${AUDIO}" }) { task { id } } }`
  const { status, errors } = await gw.graphql(query, {}, headers)
  expect([status, errors?.[0]?.extensions]).toEqual([403, { code: 'FORBIDDEN', scope: 'create' }])
})

test('a revoked key ends its sockets within a second and is rejected afterwards', async () => {
  await using gw = await startGatewayWithKeys()
  const { id, text } = await gw.createKey('me')
  const { answered, closed } = await connect(gw, text)
  expect(await answered).toEqual({ type: 'connection_ack' })
  await gw.keys.revoke(id, gw.clock.now())
  await gw.clock.advance(1_000)
  expect(await closed).toEqual([4403, 'Login revoked'])
  expect(await (await connect(gw, text)).closed).toEqual([4401, 'The credential is not valid.'])
})

test('a watch token shows its tasks, and nothing else', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const [shown, hidden] = [await create(gw, headers), await create(gw, headers)]
  const token = await mint(gw, headers, `taskIds: ["${shown}"], ttlSeconds: 60`)
  const watcher = { authorization: `Bearer ${token}` }
  const seen = await gw.graphql(
    `{ a: lipSyncTask(id: "${shown}") { id } b: lipSyncTask(id: "${hidden}") { id } all: lipSyncTasks { edges { node { id } } } }`,
    {},
    watcher,
  )
  expect(seen.data).toEqual({ a: { id: shown }, b: null, all: { edges: [{ node: { id: shown } }] } })
  expect(await gw.watch(shown, undefined, token).next()).toMatchObject({ id: shown })
  await expect(gw.watch(hidden, undefined, token).next()).rejects.toThrow('NOT_FOUND')
  const replay = gw.watch(undefined, '0', token)
  expect(await replay.next()).toMatchObject({ id: shown, stage: 'QUEUED' })
  for (const mutation of [
    `cancelLipSync(input: { id: "${shown}" }) { task { id } }`,
    `createWatchToken(input: { taskIds: ["${shown}"] }) { watchToken { token } }`,
  ])
    expect((await gw.graphql(`mutation { ${mutation} }`, {}, watcher)).errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
})

test('a watch token for a reference shows later tasks as well', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const token = await mint(gw, headers, 'reference: "order 7"')
  const all = gw.watch(undefined, '0', token)
  await create(gw, headers, 'order 8')
  const shown = await create(gw, headers, 'order 7')
  expect(await all.next()).toMatchObject({ id: shown, reference: 'order 7' })
})

test('closes a socket when its token expires, and rejects the token afterwards', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const token = await mint(gw, headers, 'reference: "r", ttlSeconds: 5')
  const { answered, closed } = await connect(gw, token)
  expect(await answered).toEqual({ type: 'connection_ack' })
  await gw.clock.advance(5_000)
  expect(await closed).toEqual([4403, 'Token expired'])
  const late = await gw.graphql(ANY, {}, { authorization: `Bearer ${token}` })
  expect(late.errors?.[0]).toMatchObject({
    message: 'The credential has expired.',
    extensions: { code: 'UNAUTHENTICATED' },
  })
})

test('an event stream is cut when its key is revoked', async () => {
  await using gw = await startGatewayWithKeys()
  const { id, headers } = await gw.createKey('me')
  const task = await create(gw, headers)
  const body = JSON.stringify({ query: `subscription { taskUpdated(id: "${task}") { cursor } }` })
  const accept = { accept: 'text/event-stream', 'content-type': 'application/json' }
  const stream = await fetch(`${gw.url}/graphql`, { method: 'POST', headers: { ...headers, ...accept }, body })
  const reader = stream.body!.getReader()
  await reader.read()
  await gw.keys.revoke(id, gw.clock.now())
  await gw.clock.advance(1_000)
  const drain = async () => {
    while (!(await reader.read()).done);
  }
  await expect(drain()).rejects.toThrow()
})

test('limits failed logins', async () => {
  await using gw = await startGatewayWithKeys()
  await gw.createKey('me')
  const attempts = []
  for (let i = 0; i < 12; i++) attempts.push(await gw.graphql(ANY, {}, { 'x-api-key': 'lsg_wrong' }))
  expect(attempts.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429])
  expect(attempts.at(-1)?.errors?.[0]?.extensions).toEqual({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
})

test('without the explorer there is no GraphiQL and no introspection', async () => {
  await using gw = await startTestGateway({ explorer: false })
  const page = await fetch(`${gw.url}/graphql`, { headers: { accept: 'text/html' } })
  expect([page.status, page.headers.get('content-type')]).toEqual([406, 'text/html; charset=utf-8'])
  expect(await page.text()).toContain('EXPLORER=false')
  const { errors } = await gw.graphql('{ __schema { types { name } } }')
  expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
  for (const query of [
    '{ lipSyncTaks { id } }',
    '{ lipSyncTasks(frist: 1) { edges { node { id } } } }',
    'mutation { createLipSync(input: { videoUrl: "x", audioUrl: "x", playbackType: NORML }) { task { id } } }',
  ]) {
    const [error] = (await gw.graphql(query)).errors ?? []
    expect(error?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(error?.message).not.toMatch(/Did you mean|lipSyncTasks\?|NORMAL/)
  }
})

test('a gateway without authentication accepts requests of its own machine only', async () => {
  await expect(startTestGateway({ publicUrl: 'https://video.example.com' })).rejects.toThrow('video.example.com can be')
  await expect(startTestGateway({ host: '0.0.0.0' })).rejects.toThrow(/keys create[\s\S]*AUTH=open/)
})

test('rejects a host name that a web page resolves to this machine', async () => {
  await using gw = await startTestGateway()
  const { port } = new URL(gw.url)
  const ask = async (host: string, headers: object = {}) => {
    const request = httpRequest(`${gw.url}/graphql?query={__typename}`, { headers: { host, ...headers } }).end()
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }
  expect(await ask(`rebound.example.com:${port}`)).toBe(401)
  for (const own of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) expect(await ask(own)).toBe(200)
  expect(await ask(`localhost:${port}`, { 'x-forwarded-for': '203.0.113.7' })).toBe(401)
})

test('a watch token does not show usage', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const token = await mint(gw, headers, 'reference: "r"')
  const { errors } = await gw.graphql('{ viewer { usage { month } } }', {}, { authorization: `Bearer ${token}` })
  expect(errors?.[0]?.extensions).toEqual({ code: 'FORBIDDEN' })
})

test('accepts a valid key despite failed logins at the same address', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  for (let i = 0; i < 15; i++) await gw.graphql(ANY, {}, { 'x-api-key': 'lsg_wrong' })
  expect((await gw.graphql(ANY, {}, headers)).status).toBe(200)
})

test('a socket that leaves during its login holds no slot', async () => {
  await using gw = await startGatewayWithKeys()
  const { text } = await gw.createKey('me', { limits: { sockets: 1 } })
  const init = JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': text } })
  for (let i = 0; i < 5; i++) {
    const socket = new WebSocket(`${gw.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(init)
    socket.terminate()
    await once(socket, 'close')
  }
  await gw.graphql(ANY, {}, { 'x-api-key': text })
  const { answered } = await connect(gw, text)
  expect(await answered).toEqual({ type: 'connection_ack' })
})

async function create(gw: Gateway, headers: Record<string, string>, reference?: string): Promise<string> {
  const query = 'mutation ($input: CreateLipSyncInput!) { createLipSync(input: $input) { task { id } } }'
  const { data } = await gw.graphql(query, { input: { videoUrl: VIDEO, audioUrl: AUDIO, reference } }, headers)
  return data.createLipSync.task.id
}

async function mint(gw: Gateway, headers: Record<string, string>, args: string): Promise<string> {
  return (await gw.graphql(`mutation { createWatchToken(input: { ${args} }) { watchToken { token } } }`, {}, headers))
    .data.createWatchToken.watchToken.token
}

/** Opens a raw socket, sends `connection_init` and reports the outcome. */
async function connect(gw: Gateway, credential: string) {
  const socket = new WebSocket(`${gw.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  const closed = once(socket, 'close').then(([closeCode, reason]) => [closeCode, String(reason)])
  const answered = once(socket, 'message').then(([data]) => JSON.parse(String(data)))
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${credential}` } }))
  return { socket, closed, answered }
}
