import { describe, expect, test } from 'vitest'
import { createJoggUpstream } from '../../../src/upstream/jogg/client.js'
import {
  accepted,
  answers,
  breaksOff,
  code,
  failed,
  garbage,
  htmlPage,
  notOffered,
  pending,
  processing,
  rateLimited,
  resets,
  startJogg,
  success,
} from '../../support/jogg.js'
import { job, never, startJoggClient } from '../../support/jogg-client.js'
import { createManualClock } from '../../support/manual-clock.js'

describe('a job', () => {
  test('is submitted, followed and found as JoggAI documents it', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(accepted('up-1'), pending(), processing(), success({ seconds: 12.5 }))
    expect(await t.submit()).toBe('up-1')
    const createdAt = t.clock.now()
    expect(await t.getJob()).toEqual({ upstreamId: 'up-1', createdAt, status: 'pending' })
    expect(await t.getJob()).toEqual({ upstreamId: 'up-1', createdAt, status: 'processing' })
    await t.clock.advance(60_000)
    const done = {
      upstreamId: 'up-1',
      createdAt,
      status: 'success',
      completedAt: createdAt + 60_000,
      result: {
        resultUrl: 'https://res.jogg.example/up-1.mp4',
        coverUrl: 'https://res.jogg.example/up-1.jpg',
        durationMs: 12_500,
        animation: null,
        animatedShare: null,
      },
    }
    expect(await t.getJob()).toEqual(done)
    expect(await t.findJob()).toEqual(done)
  })

  test('fails with the reason that JoggAI gives', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(accepted('up-1'), failed('consume retry limit reached: audio duration fetch failed'))
    await t.submit()
    expect(await t.getJob()).toMatchObject({
      status: 'failed',
      completedAt: t.clock.now(),
      message: 'consume retry limit reached: audio duration fetch failed',
    })
  })

  test('is named by the very same strings in submit and look-up', async () => {
    await using t = await startJoggClient()
    await t.submit()
    await t.findJob()
    const { taskId, ...inputs } = job
    expect(t.jogg.requests.map(({ call, inputs }) => ({ call, inputs }))).toEqual([
      { call: 'submit', inputs },
      { call: 'find', inputs },
    ])
    for (const { headers } of t.jogg.requests)
      expect(headers).toMatchObject({ 'x-api-key': t.jogg.apiKey, 'x-api-platform': 'lipsync-gateway' })
  })

  test('is found as the latest made from the inputs, or surely not', async () => {
    await using t = await startJoggClient()
    expect(await t.findJob()).toBeNull()
    t.jogg.jobs.accept(job, 'up-1')
    t.jogg.jobs.accept(job, 'up-2')
    t.jogg.jobs.accept({ ...job, playbackType: 'normal' }, 'up-3')
    expect(await t.findJob()).toMatchObject({ upstreamId: 'up-2' })
    t.jogg.plays(code('find', 17003, 'task not exist'))
    expect(await t.findJob()).toBeNull()
  })

  test('that JoggAI does not know is not found', async () => {
    await using t = await startJoggClient()
    const message = 'status call answered code 10104: Record not found'
    expect(await t.getJob('up-9')).toEqual({ kind: 'not-found', message })
  })

  test('is asked for below the path of the base URL', async () => {
    await using jogg = await startJogg()
    await using upstream = createJoggUpstream({
      apiKey: jogg.apiKey,
      baseUrl: `${jogg.url}/v1/../`,
      timeoutMs: 10_000,
      clock: createManualClock(),
    })
    expect(await upstream.findJob?.(job, never)).toBeNull()
  })
})

describe('what an answer to a submit means', () => {
  const data = { task_id: 'up-1', status: 'pending' }
  const unreadable = { body: '<html>' }
  const rows = [
    [code('submit', 10105, 'Invalid API key'), 'account', 'submit answered code 10105: Invalid API key'],
    [code('submit', 18020, 'Insufficient credit', { http: 402 }), 'account', /18020: Insufficient credit/],
    [code('submit', 18025, 'No permission', { http: 403 }), 'account', /18025: No permission/],
    [code('submit', 40000, 'video_url is invalid', { http: 400 }), 'rejected', 'video_url is invalid'],
    [code('submit', 40000, ''), 'rejected', 'JoggAI gave no reason'],
    [code('submit', 50000, 'system error'), 'unclear', 'submit answered code 50000: system error'],
    [code('submit', 10104, 'Record not found'), 'unclear', 'submit answered code 10104: Record not found'],
    [code('submit', 77777, ''), 'unclear', 'submit answered code 77777'],
    [code('submit', 77777, `a\nb${'x'.repeat(500)}`), 'unclear', /^submit answered code 77777: a bx{190,197}…$/],
    [htmlPage('submit', 502), 'unclear', 'submit answered HTTP 502'],
    [htmlPage('submit', 401), 'unclear', 'submit answered HTTP 401'],
    [htmlPage('submit', 403), 'unclear', 'submit answered HTTP 403'],
    [htmlPage('submit', 404), 'unclear', 'submit answered HTTP 404'],
    [htmlPage('submit', 200), 'unclear', 'submit answered HTTP 200 with a body that is not JSON'],
    [answers('submit', { body: '' }), 'unclear', 'submit answered HTTP 200 with an empty body'],
    [answers('submit', { body: 'x'.repeat(1_000_001) }), 'unclear', 'submit answered HTTP 200 with a body over 1 MB'],
    [
      answers('submit', { body: '['.repeat(400_000) + ']'.repeat(400_000) }),
      'unclear',
      /JSON that is not an envelope of JoggAI$/,
    ],
    [answers('submit', { body: { ok: true } }), 'unclear', /JSON that is not an envelope of JoggAI$/],
    [answers('submit', { body: { code: 0, msg: '', data: null } }), 'unclear', /code 0 with malformed data: /],
    [answers('submit', { body: { code: 0, data: { task_id: { id: 7 } } } }), 'unclear', /malformed data\.task_id: /],
    [answers('submit', { http: 302, headers: { location: '/v2/' }, ...unreadable }), 'unclear', /HTTP 302$/],
    [resets('submit'), 'unclear', /^submit lost its answer: /],
    [resets('submit', { accepting: true }), 'unclear', /^submit lost its answer: /],
    [garbage('submit', { accepting: true }), 'unclear', /^submit lost its answer: /],
    [breaksOff('submit'), 'unclear', /^submit lost its answer: /],
  ] as const
  test.each(rows.map(([play, kind, message], row) => ({ row, play, kind, message })))(
    'row $row: $message is $kind',
    async ({ play, kind, message }) => {
      await using t = await startJoggClient()
      t.jogg.plays(play)
      const error = await t.submit()
      expect(error).toEqual({ kind, message: typeof message === 'string' ? message : expect.stringMatching(message) })
      expect(t.jogg.calls('submit')).toHaveLength(1)
    },
  )

  test('code 0 is success, whatever the HTTP status and whatever else is said', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(answers('submit', { http: 500, body: { code: 0, data: { ...data, extra: 1 }, more: [] } }))
    expect(await t.submit()).toBe('up-1')
  })

  test.each([
    ['at the top level', rateLimited('submit', 30), 30_000],
    ['inside data', rateLimited('submit', 2.5, 'data'), 2_500],
    ['in the header', rateLimited('submit', 7, 'header'), 7_000],
    ['as a text', answers('submit', { body: { code: 429, retryAfter: '12' } }), 12_000],
    ['as a date', dated('Wed, 01 Jan 2025 00:00:05 GMT'), 5_000],
    ['as a date long gone', dated('Mon, 01 Jan 2024 00:00:00 GMT'), 0],
    ['by an HTTP status alone', htmlPage('submit', 429), undefined],
    ['nowhere', rateLimited('submit'), undefined],
    ['as nonsense', answers('submit', { body: { code: 429, retryAfter: { soon: true } } }), undefined],
  ])('a rate limit that says how long %s', async (_where, play, retryAfterMs) => {
    await using t = await startJoggClient()
    t.jogg.plays(play)
    const message = 'submit was refused for the rate limit'
    expect(await t.submit()).toEqual({
      kind: 'rate-limited',
      message,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
    expect(t.jogg.jobs.accepted()).toHaveLength(0)
  })
})

function dated(date: string) {
  return answers('submit', { http: 429, headers: { 'retry-after': date }, body: '' })
}

describe('what an answer to a status call means', () => {
  const told = (data: unknown) => answers('status', { body: { code: 0, msg: 'Success', data } })
  const output = { result_url: 'https://r.example/1.mp4', cover_url: '', duration_seconds: 1.0004 }
  const base = { task_id: 'up-1', created_at: 1_735_689_600, completed_at: 0 }

  test('data and error are read by the status', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(
      told({ ...base, status: 'failed', data: output, error: { message: 'no face' } }),
      told({ ...base, status: 'success', data: output, error: { message: 'no face' } }),
      told({ ...base, status: 'processing', data: output, error: { message: 'no face' } }),
      told({ task_id: 'up-1', status: 'failed', created_at: 'yesterday', error: { message: '\n' } }),
    )
    const seen = { upstreamId: 'up-1', createdAt: Date.UTC(2025, 0, 1) }
    const result = {
      resultUrl: 'https://r.example/1.mp4',
      coverUrl: null,
      durationMs: 1_000,
      animation: null,
      animatedShare: null,
    }
    expect(await t.getJob()).toEqual({ ...seen, status: 'failed', completedAt: null, message: 'no face' })
    expect(await t.getJob()).toEqual({ ...seen, status: 'success', completedAt: null, result })
    expect(await t.getJob()).toEqual({ ...seen, status: 'processing' })
    const message = 'JoggAI gave no reason'
    expect(await t.getJob()).toEqual({
      upstreamId: 'up-1',
      createdAt: null,
      status: 'failed',
      completedAt: null,
      message,
    })
  })

  const rows = [
    [told({ ...base, status: 'archived' }), /malformed data\.status: unknown status "archived"$/],
    [told({ ...base, status: 5 }), /unknown status of type number$/],
    [told({ ...base, status: 'success', data: null }), /malformed data\.data: /],
    [
      told({ ...base, status: 'success', data: { ...output, result_url: 'javascript:alert(1)' } }),
      /data\.result_url: /,
    ],
    [told({ ...base, status: 'success', data: { ...output, result_url: 'N/A' } }), /data\.result_url: not a link/],
    [told({ ...base, status: 'success', data: { ...output, result_url: ' ' } }), /data\.result_url: not a link/],
    [told({ ...base, task_id: 'up-2', status: 'pending' }), /answered about another job$/],
    [told(null), /malformed data: /],
    [code('status', 40000, 'Parameter error'), /code 40000: Parameter error$/],
    [htmlPage('status', 404), /HTTP 404$/],
  ] as const
  test.each(rows.map(([play, message], row) => ({ row, play, message })))(
    'row $row: $message is unclear',
    async ({ play, message }) => {
      await using t = await startJoggClient()
      t.jogg.plays(play)
      expect(await t.getJob()).toEqual({ kind: 'unclear', message: expect.stringMatching(message) })
    },
  )

  const done = { ...base, status: 'success', data: output }
  test.each([
    ['a status in capitals', { ...done, status: 'SUCCESS' }, {}],
    ['the status "completed"', { ...done, status: ' Completed ' }, {}],
    ['no task_id', { ...done, task_id: undefined }, {}],
    ['an unknown length', { ...done, data: { ...output, duration_seconds: null } }, { durationMs: null }],
    ['no length', { ...done, data: { result_url: output.result_url } }, { durationMs: null }],
    ['a negative length', { ...done, data: { ...output, duration_seconds: -1 } }, { durationMs: null }],
    [
      'a length of a million seconds',
      { ...done, data: { ...output, duration_seconds: 1_000_001 } },
      { durationMs: null },
    ],
    ['a length as a text', { ...done, data: { ...output, duration_seconds: '12.5' } }, { durationMs: 12_500 }],
    ['times as texts', { ...done, created_at: '1735689600', completed_at: '0' }, {}],
    ['a link with a space', { ...done, data: { ...output, result_url: ' https://r.example/1.mp4' } }, {}],
  ])('a success with %s is delivered', async (_what, data, result) => {
    await using t = await startJoggClient()
    t.jogg.plays(told(data))
    expect(await t.getJob()).toEqual({
      upstreamId: 'up-1',
      createdAt: Date.UTC(2025, 0, 1),
      status: 'success',
      completedAt: null,
      result: {
        resultUrl: 'https://r.example/1.mp4',
        coverUrl: null,
        durationMs: 1_000,
        animation: null,
        animatedShare: null,
        ...result,
      },
    })
  })

  test.each(['/files/1.mp4', 'files/1.mp4', './files/1.mp4?sig=1'])('the relative link %s is resolved', async link => {
    await using t = await startJoggClient()
    t.jogg.plays(told({ ...done, data: { ...output, result_url: link } }))
    const resultUrl = new URL(link, t.jogg.url).href
    expect(await t.getJob()).toMatchObject({ status: 'success', result: { resultUrl } })
  })

  test('codes as texts and ids as numbers are read', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(
      answers('submit', { body: { code: '0', msg: '', data: { task_id: 7 } } }),
      answers('status', { body: { code: '0', msg: '', data: { ...base, task_id: 7, status: 'pending' } } }),
      answers('submit', { body: { code: '18020', msg: 'Insufficient credit' } }),
    )
    expect(await t.submit()).toBe('7')
    expect(await t.getJob('7')).toMatchObject({ upstreamId: '7', status: 'pending' })
    expect(await t.submit()).toMatchObject({ kind: 'account' })
  })

  test('an error that is a text keeps its reason', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(told({ ...base, status: 'failed', error: 'no face' }))
    expect(await t.getJob()).toMatchObject({ status: 'failed', message: 'no face' })
  })

  test('a look-up must name the job that it found', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(answers('find', { body: { code: 0, data: { ...base, task_id: undefined, status: 'pending' } } }))
    expect(await t.findJob()).toEqual({ kind: 'unclear', message: 'look-up answered code 0 without data.task_id' })
  })

  test('a look-up that is not offered leaves it open whether there is a job', async () => {
    await using t = await startJoggClient()
    t.jogg.plays(notOffered('find'), htmlPage('find', 502))
    const message = 'look-up is not offered by the upstream (HTTP 404)'
    expect(await t.findJob()).toEqual({ kind: 'unsupported', message })
    expect(await t.findJob()).toEqual({ kind: 'unclear', message: 'look-up answered HTTP 502' })
  })
})

test('the API key is in no message, even when JoggAI echoes it', async () => {
  await using t = await startJoggClient({ apiKey: 'wrong-"key"/1' })
  expect(await t.findJob()).toMatchObject({ kind: 'account' })
  t.jogg.plays(code('submit', 10105, 'Invalid API key: wrong-"key"/1'))
  expect(await t.submit()).toEqual({ kind: 'account', message: 'submit answered code 10105: Invalid API key: [key]' })
})

test('the query strings of links, which may hold signatures, are in no message', async () => {
  await using t = await startJoggClient()
  const msg = 'cannot download https://s3.example/v.mp4?X-Amz-Signature=SIGNED, try again'
  t.jogg.plays(code('submit', 50000, msg), code('submit', 40000, msg))
  const message = 'cannot download https://s3.example/v.mp4?… try again'
  expect(await t.submit()).toEqual({ kind: 'unclear', message: `submit answered code 50000: ${message}` })
  expect(await t.submit()).toEqual({ kind: 'rejected', message })
})

test("the time is JoggAI's own, by its latest answer, whatever happens to the wall clock", async () => {
  await using t = await startJoggClient()
  expect(t.upstream.time?.()).toBeNull()
  t.jogg.plays(dated('Wed, 01 Jan 2025 00:00:05 GMT'))
  await t.submit()
  const told = t.clock.now()
  await t.clock.advance(1_500)
  expect(t.upstream.time?.()).toBe(told + 1_500)
  t.clock.setWall(-3_600_000)
  expect(t.upstream.time?.()).toBe(told + 1_500)
})

test('the price is counted in hundredths of a credit and rounded up', async () => {
  await using t = await startJoggClient()
  const { priceOf, submitsPerMinute } = t.upstream
  expect([0, 1, 8_750, 125_000, 137_500].map(priceOf)).toEqual([0, 1, 7, 100, 110])
  expect(submitsPerMinute).toBe(20)
})
