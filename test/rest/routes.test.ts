import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { meddle, newDatabase } from '../support/database.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'
import { code } from '../support/jogg.js'
import { ask } from '../support/raw-http.js'
import { checked, rest } from '../support/rest.js'

const CREATE = '/v2/create_lip_sync_video'
const INPUTS = { video_url: VIDEO, audio_url: AUDIO }
const LOOK_UP = `/v2/lip_sync_video?${new URLSearchParams(INPUTS)}`
const create = (url: string, headers: Record<string, string> = {}, body: object = INPUTS) =>
  rest(url, CREATE, { method: 'POST', headers, body })

describe('paths', () => {
  let gw: Awaited<ReturnType<typeof startTestGateway>>
  beforeAll(async () => {
    gw = await startTestGateway()
    await gw.createLipSync()
  })
  afterAll(() => gw[Symbol.asyncDispose]())

  const served = ['/user/whoami', '/user/remaining_quota', '/events', `/lip_sync_video?${new URLSearchParams(INPUTS)}`]
  test.each(
    served.flatMap(path =>
      ['/v2', '/open/v2', '//v2', '//open//v2'].flatMap(prefix => [
        prefix + path,
        prefix + path.replace(/(\?|$)/, '/$1'),
      ]),
    ),
  )('%s is served, and no redirect', async path => {
    const { status, json, headers } = await rest(gw.url, path)
    expect([status, json.code, headers.location]).toEqual([200, 0, undefined])
  })

  test.each(['/v1/whoami', '/v1/whoami/', '//v1/events'])('%s is served as an alias', async path => {
    expect((await rest(gw.url, path)).json.code).toBe(0)
  })

  test('a create has the same paths', async () => {
    for (const path of [CREATE, `${CREATE}/`, `/open${CREATE}`, `//open/${CREATE}/`]) {
      const { status, json } = await rest(gw.url, path, { method: 'POST', body: INPUTS })
      expect([status, json.code], path).toEqual([200, 0])
    }
  })

  test.each([
    ['GET', '/v2/voices'],
    ['POST', '/v2/create_video_from_avatar'],
    ['GET', '/v2'],
    ['GET', '/v2/'],
    ['GET', '/v1/avatars'],
    ['GET', '/open/v2/nothing'],
    ['GET', '/v2/v2/lip_sync_video'],
    ['POST', '/v2/v2/create_lip_sync_video'],
    ['GET', CREATE],
    ['DELETE', '/v2/lip_sync_video/x'],
    ['HEAD', '/v2/voices'],
  ])('%s %s is 404 in the envelope, with a code that is no missing record', async (method, path) => {
    const answer = await ask(`${gw.url}${path}`, { method })
    expect(answer.status).toBe(404)
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    if (method === 'HEAD') return
    expect(checked(method, path, answer).json).toMatchObject({ code: 404, data: null })
    expect(answer.body).toContain('does not serve')
  })

  test('a browser that opens a path gets JSON as well', async () => {
    const { json } = await rest(gw.url, '/v2/user/whoami', { headers: { accept: 'text/html' } })
    expect(json.code).toBe(0)
  })

  test('a GET or a DELETE may declare a JSON body and send none', async () => {
    const headers = { 'content-type': 'application/json' }
    expect((await rest(gw.url, '/v2/user/whoami', { headers })).json.code).toBe(0)
    expect((await rest(gw.url, '/v2/endpoint/wh_1', { method: 'DELETE', headers })).json.code).toBe(501)
  })

  test('webhook endpoints are said not to be available, and the events are listed', async () => {
    const body = { url: 'https://x.example/hook', status: 'enabled', events: ['generated_lip_sync_video_success'] }
    for (const prefix of ['/v2', '/v1'])
      for (const [method, path] of [
        ['GET', '/endpoints'],
        ['POST', '/endpoint'],
        ['PUT', '/endpoint/wh_1'],
        ['DELETE', '/endpoint/wh_1'],
      ] as const) {
        const { status, json } = await rest(gw.url, prefix + path, { method, ...(method[0] === 'P' && { body }) })
        expect([status, json.code, json.data], `${method} ${path}`).toEqual([200, 501, null])
      }
    expect((await rest(gw.url, '/v2/events')).json.data).toEqual({
      events: ['generated_lip_sync_video_success', 'generated_lip_sync_video_failed'],
    })
  })

  test('/openapi.json describes the operations by the URL of the gateway', async () => {
    const { status, body } = await ask(`${gw.url}/openapi.json`)
    const described = JSON.parse(body)
    expect([status, described.openapi, described.servers[0].url]).toEqual([200, '3.1.0', `${gw.url}/v2`])
    expect(Object.keys(described.paths)).toEqual([
      '/create_lip_sync_video',
      '/lip_sync_video',
      '/lip_sync_video/{task_id}',
      '/create_lip_sync_batch',
      '/upload/asset',
      '/user/whoami',
      '/whoami',
      '/user/remaining_quota',
      '/events',
      '/endpoints',
      '/endpoint',
      '/endpoint/{endpoint_id}',
    ])
    expect(described.paths['/create_lip_sync_video'].post.requestBody.content['application/json'].schema).toMatchObject(
      {
        required: ['video_url', 'audio_url'],
        properties: { playback_type: { default: 'normal' } },
      },
    )
  })

  test('mounted in another server, only the operations are taken', async () => {
    const { requestListener } = gw.gateway
    const host = createServer((req, res) => requestListener(req, res, () => void res.end(`${req.method} by the host`)))
    await new Promise<void>(resolve => host.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
    expect((await rest(url, '/v2/user/whoami')).json.code).toBe(0)
    for (const path of ['/v2/users', '/v1', '/v1/orders', '/openapi.json'])
      expect((await ask(url + path)).body, path).toBe('GET by the host')
    host.closeAllConnections()
    await new Promise(resolve => host.close(resolve))
  })
})

describe('the key', () => {
  test('an open gateway on loopback takes any key or none, but no wrong key of its own', async () => {
    await using gw = await startTestGateway()
    const keys: Record<string, string>[] = [
      ...[{}, { 'x-api-key': 'any' }, { 'X-Api-Key': '' }, { authorization: 'Bearer any' }],
    ]
    for (const headers of keys)
      expect((await rest(gw.url, '/v2/user/whoami', { headers })).json.data).toEqual({ email: '', username: 'open' })
    const own = { 'x-api-key': `lsg_${'a'.repeat(12)}_${'b'.repeat(43)}` }
    expect((await rest(gw.url, '/v2/user/whoami', { headers: own })).json.code).toBe(10105)
    // The same key is refused where GraphQL is spoken.
    expect((await gw.graphql('{ viewer { name } }', {}, { 'x-api-key': 'any' })).status).toBe(401)
    const foreign = { 'x-api-key': 'any', host: 'evil.example' }
    expect((await rest(gw.url, '/v2/user/whoami', { headers: foreign })).json.code).toBe(10105)
    const page = { 'x-api-key': 'any', origin: 'https://evil.example' }
    expect((await create(gw.url, page)).json.code).toBe(18025)
    expect(await gw.gateway.tasks.list()).toEqual([])
  })

  test('a closed gateway refuses a wrong key and no key alike, with 401, and stores nothing', async () => {
    await using gw = await startGatewayWithKeys()
    const { text } = await gw.createKey('acme')
    await gw.clock.advance(1_000)
    const wrong = { code: 10105, msg: 'Invalid API key', data: null }
    const headersOf: Record<string, string>[] = [
      {},
      { 'x-api-key': 'wrong' },
      { 'x-api-key': `${text}x` },
      { authorization: 'Bearer wrong' },
    ]
    for (const headers of headersOf)
      for (const [method, path] of [
        ['POST', CREATE],
        ['GET', LOOK_UP],
        ['GET', '/v2/lip_sync_video/x'],
        ['GET', '/v1/whoami'],
      ] as const) {
        const { status, json } = await rest(gw.url, path, {
          method,
          headers,
          ...(method === 'POST' && { body: INPUTS }),
        })
        if (status === 429) continue
        expect([status, json], path).toEqual([401, wrong])
      }
    expect(await gw.gateway.tasksOf('acme').list()).toEqual([])
    const right: Record<string, string>[] = [{ 'x-api-key': text }, { authorization: `Bearer ${text}` }]
    for (const headers of right)
      expect((await rest(gw.url, '/v2/user/whoami', { headers })).json.data.username).toBe('acme')
  })

  test("another caller's task is like one that does not exist", async () => {
    await using gw = await startGatewayWithKeys()
    const [mine, theirs] = [
      { 'x-api-key': (await gw.createKey('me')).text },
      { 'x-api-key': (await gw.createKey('them')).text },
    ]
    const { task_id } = (await create(gw.url, theirs)).json.data
    for (const path of [`/v2/lip_sync_video/${task_id}`, LOOK_UP]) {
      expect((await rest(gw.url, path, { headers: mine })).json).toEqual({
        code: 10104,
        msg: 'Record not found',
        data: null,
      })
      expect((await rest(gw.url, path, { headers: theirs })).json.code).toBe(0)
    }
  })

  test('a key without the scope gets 18025', async () => {
    await using gw = await startGatewayWithKeys()
    const reader = { 'x-api-key': (await gw.createKey('me', { scopes: ['read'] })).text }
    const creator = { 'x-api-key': (await gw.createKey('me', { scopes: ['create'] })).text }
    expect((await create(gw.url, reader)).json).toMatchObject({ code: 18025, data: null })
    // To find nothing would make the client create.
    expect((await rest(gw.url, LOOK_UP, { headers: creator })).json).toMatchObject({ code: 18025, data: null })
  })
})

describe('limits', () => {
  test('429 has the true time in the header and in the body; reads are not limited', async () => {
    await using gw = await startGatewayWithKeys({ callerLimits: { createsPerMinute: 2 } })
    const headers = { 'x-api-key': (await gw.createKey('me')).text }
    await create(gw.url, headers)
    await gw.clock.advance(10_000)
    await create(gw.url, headers)
    const refused = await create(gw.url, headers)
    expect(refused.status).toBe(429)
    expect(refused.json).toMatchObject({ code: 429, data: null, retryAfter: 50 })
    expect(refused.json.msg).toMatch(/^Rate limit exceeded\. Please try again later\./)
    expect(refused.headers).toMatchObject({
      'retry-after': '50',
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '0',
    })
    for (let n = 0; n < 100; n++) expect((await rest(gw.url, LOOK_UP, { headers })).status).toBe(200)
    await gw.clock.advance(50_000)
    expect((await create(gw.url, headers)).json.code).toBe(0)
  })

  test('a full queue is 429 until a task leaves it', async () => {
    await using gw = await startGatewayWithKeys({ callerLimits: { waitingTasks: 1 }, submits: { perMinute: 1 } })
    const headers = { 'x-api-key': (await gw.createKey('me')).text }
    await create(gw.url, headers)
    await gw.clock.advance(0)
    await create(gw.url, headers, { ...INPUTS, audio_url: `${AUDIO}?2` })
    const refused = await create(gw.url, headers, { ...INPUTS, audio_url: `${AUDIO}?3` })
    expect([refused.status, refused.json.code]).toEqual([429, 429])
    expect(refused.headers['retry-after']).toBe(String(refused.json.retryAfter))
    expect(refused.json.retryAfter).toBeGreaterThan(55)
    await gw.clock.advance(refused.json.retryAfter * 1_000)
    expect((await create(gw.url, headers, { ...INPUTS, audio_url: `${AUDIO}?3` })).json.code).toBe(0)
  })

  test('25 creates in a minute are accepted, and the upstream sees at most 20', async () => {
    await using gw = await startTestGateway()
    for (let n = 0; n < 25; n++) {
      expect((await create(gw.url, {}, { ...INPUTS, audio_url: `${AUDIO}?${n}` })).json.code).toBe(0)
      await gw.clock.advance(1_000)
    }
    expect(gw.jogg.calls('submit').length).toBeLessThanOrEqual(20)
    await gw.clock.advance(60_000)
    expect(gw.jogg.calls('submit')).toHaveLength(25)
  })

  test("a used-up budget is 18020 at the create; JoggAI's own lack of credit leaves the task pending", async () => {
    await using gw = await startGatewayWithKeys({ callerLimits: { monthlyCredits: 1 }, estimateSeconds: 100 })
    const headers = { 'x-api-key': (await gw.createKey('me')).text }
    gw.jogg.plays(code('submit', 18020, 'Insufficient credit'))
    const { task_id } = (await create(gw.url, headers)).json.data
    await gw.clock.advance(5_000)
    expect((await rest(gw.url, `/v2/lip_sync_video/${task_id}`, { headers })).json.data.status).toBe('pending')
    const quota = await rest(gw.url, '/v2/user/remaining_quota', { headers })
    expect(quota.json.data).toEqual({ remaining_quota: 0.2 })
    const refused = await create(gw.url, headers)
    expect([refused.status, refused.json.code]).toEqual([200, 18020])
    expect(refused.json.msg).toMatch(/^Insufficient credit: .*0\.2 credits/)
  })

  test('the quota of a caller without a budget is a large number', async () => {
    await using gw = await startTestGateway()
    expect((await rest(gw.url, '/v2/user/remaining_quota')).json.data).toEqual({ remaining_quota: 1_000_000_000 })
  })
})

test('a store that cannot be read is 50000, never a missing record', async () => {
  const file = await newDatabase()
  await using gw = await startTestGateway({ databaseUrl: `file:${file}` })
  const { task_id } = (await create(gw.url)).json.data
  meddle(file, database => database.exec('ALTER TABLE tasks RENAME TO gone'))
  for (const path of [LOOK_UP, `/v2/lip_sync_video/${task_id}`]) {
    const { status, json } = await rest(gw.url, path)
    expect([status, json.code, json.data], path).toEqual([500, 50000, null])
    expect(json.rid).toEqual(expect.any(String))
  }
  // Whether a create that failed was stored is not known, so nothing may make the client repeat it.
  const failed = await create(gw.url, {}, { ...INPUTS, audio_url: `${AUDIO}?new` })
  expect([failed.status, failed.json.code]).toEqual([200, 50000])
  expect(failed.json.msg).toContain('Look it up before creating it again')
})
