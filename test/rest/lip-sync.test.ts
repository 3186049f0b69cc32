import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'
import { rest } from '../support/rest.js'
import { START } from '../support/task-calls.js'

const CREATE = '/v2/create_lip_sync_video'
const LOOK_UP = '/v2/lip_sync_video'
const INPUTS = { video_url: VIDEO, audio_url: AUDIO }
const NOT_FOUND = { code: 10104, msg: 'Record not found', data: null }

type Gateway = Awaited<ReturnType<typeof startTestGateway>>
let gw: Gateway
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

const post = (body: unknown, headers: Record<string, string> = {}, on = gw) =>
  rest(on.url, CREATE, { method: 'POST', body, headers })
const lookUp = (query: Record<string, string>, on = gw) => rest(on.url, `${LOOK_UP}?${new URLSearchParams(query)}`)
const statusOf = (id: string, on = gw, headers: Record<string, string> = {}) =>
  rest(on.url, `${LOOK_UP}/${id}`, { headers })
const count = async (on = gw) => (await on.gateway.tasks.list({ limit: 1_000 })).length

describe('create', () => {
  test('returns the id and the status, and stores the program that asked', async () => {
    await using own = await startTestGateway()
    const { status, json } = await post(INPUTS, { 'x-api-platform': 'openclaw' }, own)
    expect(status).toBe(200)
    expect(json).toEqual({ code: 0, msg: 'Success', data: { task_id: expect.any(String), status: 'pending' } })
    expect(json.data.task_id).toMatch(/^[\w-]+$/)
    const { data } = await own.graphql(`{ lipSyncTask(id: "${json.data.task_id}") { platform playbackType } }`)
    expect(data.lipSyncTask).toEqual({ platform: 'openclaw', playbackType: 'NORMAL' })
  })

  const invalid: [string, unknown, string][] = [
    ['no video', { audio_url: AUDIO }, 'Parameter error: video_url is required'],
    ['an empty video', { ...INPUTS, video_url: '' }, 'Parameter error: video_url is required'],
    ['no audio', { video_url: VIDEO }, 'Parameter error: audio_url is required'],
    ['a number', { ...INPUTS, video_url: 7 }, 'Parameter error: video_url must be a string'],
    ['an array', { ...INPUTS, audio_url: [AUDIO] }, 'Parameter error: audio_url must be a string'],
    ['ftp', { ...INPUTS, video_url: 'ftp://x.example/v' }, 'Parameter error: video_url is not an http or https URL'],
    [
      'a text of 10 kB',
      { ...INPUTS, video_url: `https://x.example/${'v'.repeat(10_000)}` },
      'Parameter error: video_url is longer than 2,048 characters',
    ],
    [
      'an unknown playback type',
      { ...INPUTS, playback_type: 'loop' },
      'Parameter error: playback_type must be one of normal, normal_reverse, normal_reverse_by_audio',
    ],
    [
      'a webhook',
      { ...INPUTS, webhook_url: 'https://x.example/hook' },
      'Parameter error: webhook_url is not supported: this gateway does not deliver webhooks',
    ],
    ['a list', [INPUTS], 'Parameter error: the body must be a JSON object'],
  ]
  test.each(invalid)('refuses %s with 40000 and stores nothing', async (_, body, msg) => {
    const before = await count()
    const { status, json } = await post(body)
    expect([status, json]).toEqual([200, { code: 40000, msg, data: null }])
    expect(await count()).toBe(before)
  })

  const malformed: [string, string, Record<string, string>][] = [
    ['broken JSON', '{"video_url":', { 'content-type': 'application/json' }],
    ['an empty body', '', { 'content-type': 'application/json' }],
    ['no content type', JSON.stringify(INPUTS), {}],
    ['JSON as text/plain', JSON.stringify(INPUTS), { 'content-type': 'text/plain' }],
    ['null', 'null', { 'content-type': 'application/json' }],
    [
      'a body of 200 kB',
      JSON.stringify({ ...INPUTS, more: 'x'.repeat(200_000) }),
      { 'content-type': 'application/json' },
    ],
  ]
  test.each(malformed)('refuses %s with 40000 and stores nothing', async (_, body, headers) => {
    const before = await count()
    const { status, json } = await post(body, headers)
    expect([status, json.code, json.data]).toEqual([200, 40000, null])
    expect(json.msg).toMatch(/^Parameter error: \w/)
    expect(await count()).toBe(before)
  })

  test('ignores unknown fields, and takes null and "" for the normal playback type', async () => {
    await using own = await startTestGateway()
    for (const playback_type of [null, '', 'normal', undefined]) {
      const { json } = await post({ ...INPUTS, playback_type, webhook_url: null, avatar_id: 7 }, {}, own)
      expect((await own.gateway.tasks.get(json.data.task_id))?.playbackType).toBe('normal')
    }
  })

  test('each create is a task of its own, except with the same Idempotency-Key', async () => {
    await using own = await startTestGateway()
    const idOf = async (headers = {}, body: object = INPUTS) => (await post(body, headers, own)).json.data?.task_id
    expect(await idOf()).not.toBe(await idOf())
    const key = { 'Idempotency-Key': 'order-7' }
    const [first, second] = [await idOf(key), await idOf({ ...key, 'x-api-platform': 'n8n' })]
    expect(first).toBe(second)
    const other = await post({ ...INPUTS, audio_url: `${AUDIO}?other` }, key, own)
    expect(other.json).toMatchObject({
      code: 40000,
      msg: 'Parameter error: The Idempotency-Key was used with another audio_url.',
    })
    expect((await post(INPUTS, { 'Idempotency-Key': 'x'.repeat(129) }, own)).json.code).toBe(40000)
    expect(await count(own)).toBe(3)
  })
})

describe('status', () => {
  test('has all six fields in every state, with whole seconds, and fills data or error by the status', async () => {
    await using own = await startTestGateway({ submits: { perMinute: 2 } })
    const ids = []
    for (const name of ['good', 'bad', 'canceled'])
      ids.push((await post({ ...INPUTS, audio_url: `${AUDIO}?${name}` }, {}, own)).json.data.task_id)
    const [good, bad, canceled] = ids
    const pending = { status: 'pending', created_at: START / 1_000, completed_at: null, data: null, error: null }
    expect((await statusOf(good, own)).json.data).toEqual({ task_id: good, ...pending })
    await own.gateway.tasks.cancel(canceled)
    await own.clock.advance(0)
    const [first, second] = own.jogg.jobs.accepted()
    own.jogg.process(first!.taskId)
    own.jogg.process(second!.taskId)
    await own.clock.advance(3_500)
    expect((await statusOf(good, own)).json.data).toEqual({ task_id: good, ...pending, status: 'processing' })
    own.jogg.finish(first!.taskId)
    own.jogg.fail(second!.taskId, 'consume retry limit reached: audio duration fetch failed')
    await own.clock.advance(60_000)
    const done = { created_at: START / 1_000, completed_at: expect.any(Number) }
    expect((await statusOf(good, own)).json.data).toEqual({
      ...{ task_id: good, status: 'success', ...done, error: null },
      data: { result_url: expect.any(String), cover_url: expect.any(String), duration_seconds: 12.5 },
    })
    expect((await statusOf(bad, own)).json.data).toEqual({
      ...{ task_id: bad, status: 'failed', ...done, data: null },
      error: { message: 'consume retry limit reached: audio duration fetch failed' },
    })
    expect((await statusOf(canceled, own)).json.data).toMatchObject({
      ...{ status: 'failed', data: null },
      error: { message: 'Canceled by the caller before it was submitted.' },
    })
  })

  test.each(['x', '%00', '%', '%E0%A4%A', 'x'.repeat(10_000), 'a%2Fb'])('an unknown id is 10104: %s', async id => {
    const { status, json } = await statusOf(id)
    expect([status, json]).toEqual([200, NOT_FOUND])
  })

  test('an id with a slash is no route', async () => {
    const { status, json } = await statusOf('a/b')
    expect([status, json.code, json.data]).toEqual([404, 404, null])
  })
})

describe('the look-up by inputs', () => {
  test('returns the latest task with exactly these texts', async () => {
    await using own = await startTestGateway()
    const tails = ['', '?a=1&b=2', '?a=1%26b=2', '?q=a+b', '?q=a%2Bb', '?q=a%20b', '#part', '?A=1&b=2']
    const ids: string[] = []
    for (const tail of tails) ids.push((await post({ ...INPUTS, video_url: VIDEO + tail }, {}, own)).json.data.task_id)
    for (const [at, tail] of tails.entries()) {
      const { json } = await lookUp({ ...INPUTS, video_url: VIDEO + tail }, own)
      expect(json.data?.task_id, tail).toBe(ids[at])
    }
    const latest = (await post(INPUTS, {}, own)).json.data.task_id
    expect((await lookUp(INPUTS, own)).json.data.task_id).toBe(latest)
    expect((await lookUp({ ...INPUTS, video_url: `${VIDEO}?q=a b` }, own)).json).toEqual(NOT_FOUND)
  })

  test('the latest is the one created last, whatever the wall clock did', async () => {
    await using own = await startTestGateway()
    await post(INPUTS, {}, own)
    own.clock.setWall(-3_600_000)
    const { json } = await post(INPUTS, {}, own)
    expect((await lookUp(INPUTS, own)).json.data.task_id).toBe(json.data.task_id)
  })

  test('a missing or empty playback type is normal, another one is another task', async () => {
    await using own = await startTestGateway()
    const { task_id } = (await post(INPUTS, {}, own)).json.data
    for (const query of [INPUTS, { ...INPUTS, playback_type: 'normal' }, { ...INPUTS, playback_type: '' }])
      expect((await lookUp(query, own)).json.data.task_id).toBe(task_id)
    expect((await lookUp({ ...INPUTS, playback_type: 'normal_reverse' }, own)).json).toEqual(NOT_FOUND)
    expect((await lookUp({ ...INPUTS, playback_type: 'loop' }, own)).json.code).toBe(40000)
    expect((await lookUp({ video_url: VIDEO }, own)).json).toMatchObject({
      code: 40000,
      msg: 'Parameter error: audio_url is required',
    })
  })

  test('reads encodings as forms do', async () => {
    await using own = await startTestGateway()
    const { task_id } = (await post({ ...INPUTS, video_url: `${VIDEO}?q=a+b` }, {}, own)).json.data
    const encoded = `https%3a%2f%2fmedia.example%2fpresenter.mp4%3fq%3da%2bb`
    const { json } = await rest(own.url, `${LOOK_UP}?video_url=${encoded}&audio_url=${encodeURIComponent(AUDIO)}`)
    expect(json.data.task_id).toBe(task_id)
  })

  test('finds a task that was created over GraphQL, and GraphQL shows one of REST', async () => {
    await using own = await startTestGateway()
    const { id } = await own.createLipSync()
    expect((await lookUp(INPUTS, own)).json.data.task_id).toBe(id)
    const { task_id } = (await post(INPUTS, {}, own)).json.data
    const events = own.watch(task_id)
    expect(await events.next()).toMatchObject({ id: task_id, status: 'PENDING' })
    await events.leave()
  })
})
