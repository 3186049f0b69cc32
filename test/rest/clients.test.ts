import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { AUDIO, VIDEO } from '../support/gateway.js'
import { code, htmlPage, resets, success } from '../support/jogg.js'
import { type RestAnswer, rest } from '../support/rest.js'

/** What JoggAI's clients send, and what they read of the responses. */

type Gateway = Awaited<ReturnType<typeof startGatewayWithKeys>>
let gw: Gateway
let key: string
beforeEach(async () => {
  gw = await startGatewayWithKeys()
  key = (await gw.createKey('acme')).text
  // Until then, a gateway that was open may still be.
  await gw.clock.advance(1_000)
})
afterEach(() => gw[Symbol.asyncDispose]())

interface RunnerResult {
  action: string
  task_id: string
  status: string
  error_message?: string
  result_url?: string
  created_at?: number
  completed_at?: number | null
}

/**
 * JoggAI's `run.sh` for two links: looks the inputs up, reuses what it finds unless it is told otherwise, creates, and
 * polls. It reads the body alone and ends with the first code that is not 0.
 */
function runner(base: string, apiKey = key) {
  const headers = { 'X-Api-Key': apiKey, 'x-api-platform': 'openclaw' }

  async function call(path: string, body?: object): Promise<RestAnswer['json']> {
    const { json } = await rest(base.replace(/\/$/, ''), path, {
      method: body ? 'POST' : 'GET',
      headers,
      ...(body && { body }),
    })
    if (json.code !== 0) throw Object.assign(new Error(json.msg), { error: json.msg, code: json.code })
    return json.data
  }

  function result(action: string, data: RestAnswer['json']): RunnerResult {
    const { task_id, status, created_at, completed_at, error } = data
    return {
      ...{ action, task_id, status, created_at, completed_at },
      ...(error?.message && { error_message: error.message }),
      ...(data.data?.result_url && { result_url: data.data.result_url }),
    }
  }

  async function find(inputs: Record<string, string>) {
    try {
      return await call(`/v2/lip_sync_video?${new URLSearchParams(inputs)}`)
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && (thrown.code === 10104 || thrown.code === 17003)) return null
      throw thrown
    }
  }

  async function poll(action: string, id: string, advance: (ms: number) => Promise<void>): Promise<RunnerResult> {
    for (let polls = 0; polls < 180; polls++) {
      const data = await call(`/v2/lip_sync_video/${id}`)
      if (data.status === 'success' || data.status === 'failed') return result(action, data)
      await advance(10_000)
    }
    throw new Error('the runner gave up')
  }

  return {
    query: async (id: string) => result('queried_task', await call(`/v2/lip_sync_video/${id}`)),
    poll: (id: string) => poll('queried_task', id, gw.clock.advance),
    async run({ force = false, noPoll = false, playbackType = 'normal' } = {}): Promise<RunnerResult> {
      const inputs = { video_url: VIDEO, audio_url: AUDIO, playback_type: playbackType }
      const found = await find(inputs)
      const isReused = found && (found.status === 'pending' || found.status === 'processing' || !force)
      const action = isReused ? 'reused_existing_task' : 'created_new_task'
      const data = isReused ? found : await call('/v2/create_lip_sync_video', inputs)
      if (noPoll || data.status === 'success' || data.status === 'failed') return result(action, data)
      return poll(action, data.task_id, gw.clock.advance)
    },
  }
}

describe('the runner', () => {
  test('creates, polls to the end, and reuses the task the next time', async () => {
    gw.jogg.plays(success())
    const first = await runner(gw.url).run()
    expect(first).toMatchObject({ action: 'created_new_task', status: 'success', result_url: expect.any(String) })
    expect([first.created_at, first.completed_at].every(Number.isInteger)).toBe(true)
    expect(gw.jogg.calls('submit')).toHaveLength(1)
    expect(await runner(gw.url).run()).toMatchObject({ action: 'reused_existing_task', task_id: first.task_id })
    expect(gw.jogg.calls('submit')).toHaveLength(1)
    gw.jogg.plays(success())
    const forced = await runner(gw.url).run({ force: true })
    expect(forced).toMatchObject({ action: 'created_new_task', status: 'success' })
    expect(forced.task_id).not.toBe(first.task_id)
    expect(gw.jogg.calls('submit')).toHaveLength(2)
  })

  test('reuses a task that is queued, or whose submit has no known answer', async () => {
    const first = await runner(gw.url).run({ noPoll: true })
    expect(await runner(gw.url).run({ noPoll: true })).toMatchObject({
      action: 'reused_existing_task',
      task_id: first.task_id,
    })
    gw.jogg.plays(resets('submit', { accepting: true }))
    await runner(gw.url).run({ noPoll: true, playbackType: 'normal_reverse' })
    await gw.clock.advance(0)
    const again = await runner(gw.url).run({ noPoll: true, force: true, playbackType: 'normal_reverse' })
    expect(again).toMatchObject({ action: 'reused_existing_task', status: 'pending' })
  })

  test('creates with --no-poll, polls later by the id, and GraphQL sees the same task', async () => {
    gw.jogg.plays(success())
    const { task_id } = await runner(gw.url).run({ noPoll: true })
    const seen = await gw.graphql(`{ lipSyncTask(id: "${task_id}") { stage } }`, {}, { 'x-api-key': key })
    expect(seen.data.lipSyncTask.stage).toMatch(/^(QUEUED|SUBMITT)/)
    expect(await runner(gw.url).query(task_id)).toMatchObject({ status: 'pending' })
    expect(await runner(gw.url).poll(task_id)).toMatchObject({ action: 'queried_task', status: 'success' })
  })

  test('reports a failed task once, and reuses it', async () => {
    gw.jogg.plays({
      on: 'status',
      play({ jobs, taskId = '', honest, send }) {
        jobs.fail(taskId, 'audio duration fetch failed')
        // Filled by JoggAI's own example, beside the error.
        const data = { result_url: 'https://x.example/v.mp4', cover_url: null, duration_seconds: 1 }
        const { body } = honest() as { body: { data: object } }
        send({ body: { ...body, data: { ...body.data, data } } })
      },
    })
    const failed = await runner(gw.url).run()
    expect(failed).toMatchObject({ status: 'failed', error_message: 'audio duration fetch failed' })
    expect(failed.result_url).toBeUndefined()
    expect(await runner(gw.url).run()).toMatchObject({ action: 'reused_existing_task', task_id: failed.task_id })
  })

  test('sees no error while the upstream fails for two minutes', async () => {
    const trouble = [
      htmlPage('status', 502),
      code('status', 50000, 'System error'),
      code('status', 429, 'Rate limit exceeded'),
    ]
    gw.jogg.plays(
      code('submit', 429, 'Rate limit exceeded'),
      ...trouble,
      ...trouble,
      ...trouble,
      resets('status'),
      success(),
    )
    expect(await runner(gw.url).run()).toMatchObject({ action: 'created_new_task', status: 'success' })
    expect(gw.jogg.jobs.accepted()).toHaveLength(1)
  })

  test.each(['', '/', '/open'])('works with the base URL ending in "%s"', async tail => {
    gw.jogg.plays(success())
    expect(await runner(gw.url + tail).run()).toMatchObject({ action: 'created_new_task', status: 'success' })
  })

  test('stops at the look-up with a base URL that ends in /v2, and works with two slashes', async () => {
    await expect(runner(`${gw.url}/v2`).run()).rejects.toMatchObject({ code: 404 })
    expect(await gw.gateway.tasksOf('acme').list()).toEqual([])
    expect(await runner(`${gw.url}//`).run({ noPoll: true })).toMatchObject({ action: 'created_new_task' })
  })

  test('reports a wrong key and an unknown id', async () => {
    await expect(runner(gw.url, 'wrong').run()).rejects.toMatchObject({ error: 'Invalid API key', code: 10105 })
    await expect(runner(gw.url).query('x')).rejects.toMatchObject({ error: 'Record not found', code: 10104 })
    expect(await gw.gateway.tasksOf('acme').list()).toEqual([])
  })
})

test('the MCP server creates without a playback type, and the runner finds that task', async () => {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  for (const path of ['/v2/user/whoami', '/v2/user/remaining_quota', '/v2/events'])
    expect((await rest(gw.url, path, { headers })).json.code, path).toBe(0)
  const body = { video_url: VIDEO, audio_url: AUDIO }
  const created = await rest(gw.url, '/v2/create_lip_sync_video', { method: 'POST', headers, body })
  const { task_id } = created.json.data
  expect((await rest(gw.url, `/v2/lip_sync_video/${task_id}`, { headers })).json.data.status).toBe('pending')
  expect(await runner(gw.url).run({ noPoll: true })).toMatchObject({ action: 'reused_existing_task', task_id })
})

test("JoggAI's shell commands get their account", async () => {
  const headers = { 'X-Api-Key': key, 'x-api-platform': 'openclaw' }
  expect((await rest(gw.url, '/v2/user/whoami', { headers })).json.data).toEqual({ email: '', username: 'acme' })
  const { json } = await rest(gw.url, '/v2/user/remaining_quota', { headers })
  expect(typeof json.data.remaining_quota).toBe('number')
})

test("n8n's credential test passes with the right key and fails with a wrong one", async () => {
  const whoami = (apiKey: string) =>
    rest(gw.url, '/v1/whoami', { headers: { 'x-api-key': apiKey, 'x-api-platform': 'n8n' } })
  expect((await whoami(key)).status).toBe(200)
  expect((await whoami('wrong')).status).toBe(401)
})
