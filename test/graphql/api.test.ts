import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIO, type SeenTask, startTestGateway, VIDEO } from '../support/gateway.js'
import { accepted, code, failed, success } from '../support/jogg.js'

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>

async function page(gw: TestGateway, args: string) {
  const query = `{ lipSyncTasks(${args}) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { reference } } } }`
  const { data, errors } = await gw.graphql(query)
  if (errors) return { errors }
  const { edges, pageInfo } = data.lipSyncTasks
  return {
    seen: edges.map((edge: { node: SeenTask }) => edge.node.reference).join(''),
    more: [pageInfo.hasPreviousPage, pageInfo.hasNextPage],
    start: pageInfo.startCursor,
    end: pageInfo.endCursor,
  }
}

test('creates a task from its input, and returns it by its id', async () => {
  await using gw = await startTestGateway()
  const { data } = await gw.graphql(
    `mutation ($input: CreateLipSyncInput!) {
      createLipSync(input: $input) {
        task { id status stage caller videoUrl audioUrl playbackType reference createdAt submittedAt cursor } errors { code }
      }
    }`,
    { input: { videoUrl: VIDEO, audioUrl: AUDIO, playbackType: 'NORMAL_REVERSE', reference: 'ÄÖ 7' } },
  )
  expect(data.createLipSync.errors).toEqual([])
  expect(data.createLipSync.task).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
    status: 'PENDING',
    stage: 'QUEUED',
    caller: 'open',
    videoUrl: VIDEO,
    audioUrl: AUDIO,
    playbackType: 'NORMAL_REVERSE',
    reference: 'ÄÖ 7',
    createdAt: '2025-01-01T00:00:00.000Z',
    submittedAt: null,
    cursor: expect.stringMatching(/^.+-1$/),
  })
  expect(await gw.task(data.createLipSync.task.id)).toMatchObject({ reference: 'ÄÖ 7' })
})

test('keeps links unchanged, because a signed link breaks when it is rewritten', async () => {
  await using gw = await startTestGateway()
  const videoUrl = 'HTTPS://Media.Example:443/a/../b%2fc.mp4?sig=A+b%20&x#t'
  await gw.createLipSync({ videoUrl })
  await gw.clock.advance(0)
  expect(gw.jogg.calls('submit')[0]?.inputs).toMatchObject({ videoUrl })
})

test('returns null for an unknown id of any form', async () => {
  await using gw = await startTestGateway()
  for (const id of ['0190e4a2-0000-7000-8000-000000000000', '', "' OR 1=1 --", '1'.repeat(10_000)])
    expect(await gw.task(id)).toBeNull()
})

test('estimates a price like JoggAI, up to ten hours', async () => {
  await using gw = await startTestGateway()
  const estimate = async (seconds: string) => {
    const { data, errors } = await gw.graphql(
      `{ lipSyncEstimate(durationSeconds: ${seconds}) { durationSeconds credits } }`,
    )
    return errors?.map(error => error.extensions) ?? data.lipSyncEstimate
  }
  expect(await estimate('137.5')).toEqual({ durationSeconds: 137.5, credits: 1.1 })
  expect(await estimate('8.75')).toEqual({ durationSeconds: 8.75, credits: 0.07 })
  expect(await estimate('0')).toEqual({ durationSeconds: 0, credits: 0 })
  for (const wrong of ['-1', '36000.1', '1e300'])
    expect(await estimate(wrong)).toMatchObject([{ code: 'BAD_USER_INPUT', field: 'durationSeconds' }])
})

describe('the list', () => {
  let gw: TestGateway
  beforeAll(async () => {
    gw = await startTestGateway()
    // The submit queue is paused behind the last task, so that each stays what it is.
    gw.jogg.plays(accepted('1'), success(), accepted('2'), failed('no face'), code('submit', 18020, 'no credit'))
    for (const reference of ['A', 'B']) {
      await gw.createLipSync({ reference })
      await gw.clock.advance(3_000)
    }
    for (const reference of 'CDEFA') await gw.createLipSync({ reference })
  })
  afterAll(() => gw[Symbol.asyncDispose]())

  test('shows the newest tasks first', async () => {
    expect(await page(gw, 'first: 100')).toMatchObject({ seen: 'AFEDCBA', more: [false, false] })
    expect(await page(gw, 'filter: { status: [], stage: [] }')).toMatchObject({ seen: 'AFEDCBA' })
    expect(await page(gw, 'filter: {}')).toMatchObject({ seen: 'AFEDCBA' })
  })

  test('pages forward and backward and reports the neighbours of each page', async () => {
    const one = await page(gw, 'first: 3')
    expect(one).toMatchObject({ seen: 'AFE', more: [false, true] })
    const two = await page(gw, `first: 3, after: "${one.end}"`)
    expect(two).toMatchObject({ seen: 'DCB', more: [true, true] })
    const three = await page(gw, `first: 3, after: "${two.end}"`)
    expect(three).toMatchObject({ seen: 'A', more: [true, false] })
    const back = await page(gw, `last: 3, before: "${three.start}"`)
    expect(back).toMatchObject({ seen: 'DCB', more: [true, true] })
    expect(await page(gw, `last: 5, before: "${back.start}"`)).toMatchObject({ seen: 'AFE', more: [false, true] })
    expect(await page(gw, 'last: 2')).toMatchObject({ seen: 'BA', more: [true, false] })
    expect(await page(gw, `first: 100, after: "${one.end}", before: "${three.start}"`)).toMatchObject({ seen: 'DCB' })
  })

  test('is filtered by status, stage, reference and creation time', async () => {
    expect(await page(gw, 'filter: { status: SUCCESS }')).toMatchObject({ seen: 'A' })
    expect(await page(gw, 'filter: { status: [SUCCESS, FAILED] }')).toMatchObject({ seen: 'BA' })
    expect(await page(gw, 'filter: { status: [FAILED, PENDING, FAILED] }, first: 2')).toMatchObject({
      seen: 'AF',
      more: [false, true],
    })
    expect(await page(gw, 'filter: { reference: "A" }')).toMatchObject({ seen: 'AA' })
    expect(await page(gw, 'filter: { reference: "A", status: PENDING }')).toMatchObject({ seen: 'A' })
    expect(await page(gw, 'filter: { reference: "nobody" }')).toMatchObject({ seen: '', start: null, end: null })
    expect(await page(gw, 'filter: { stage: [FAILED, QUEUED] }, first: 2')).toMatchObject({ seen: 'AF' })
    const time = (ms: number) => new Date(Date.UTC(2025, 0, 1) + ms).toISOString()
    expect(await page(gw, `filter: { createdBefore: "${time(3_000)}" }`)).toMatchObject({ seen: 'A' })
    expect(await page(gw, `filter: { createdAfter: "${time(3_000)}", createdBefore: "${time(3_001)}" }`)).toMatchObject(
      {
        seen: 'B',
      },
    )
    expect(await page(gw, `filter: { createdAfter: "${time(3_001)}" }, last: 1`)).toMatchObject({ seen: 'C' })
  })

  test('rejects invalid page arguments and names them', async () => {
    const wrong = {
      'first: 101': 'first',
      'first: -1': 'first',
      'last: 101': 'last',
      'last: -1': 'last',
      'first: 1, last: 1': 'last',
      'after: "x"': 'after',
      'after: ""': 'after',
      'before: "1"': 'before',
      'before: "0190e4a2-0000-7000-8000-00000000000g"': 'before',
    }
    for (const [args, field] of Object.entries(wrong)) {
      const { errors } = await page(gw, args)
      expect(
        errors?.map(error => error.extensions),
        args,
      ).toEqual([{ code: 'BAD_USER_INPUT', field }])
      expect(errors?.[0]?.message).toContain(field)
    }
    expect(await page(gw, 'first: 0')).toMatchObject({ seen: '' })
  })
})

test('a retry links to its task, and is listed by it', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(code('submit', 40000, 'no'))
  const task = await gw.createLipSync({ reference: 'r' })
  await gw.clock.advance(0)
  const { data } = await gw.graphql(
    `mutation { retryLipSync(input: { id: "${task.id}" }) { task { id videoUrl audioUrl playbackType reference retryOf { id } } } }`,
  )
  const { id, ...retry } = data.retryLipSync.task
  expect(retry).toEqual({
    videoUrl: VIDEO,
    audioUrl: AUDIO,
    playbackType: 'NORMAL',
    reference: 'r',
    retryOf: { id: task.id },
  })
  const list = await gw.graphql(`{ lipSyncTasks(filter: { retryOf: "${task.id}" }) { edges { node { id } } } }`)
  expect(list.data.lipSyncTasks.edges).toEqual([{ node: { id } }])
})

test('node and nodes return tasks by id, in the order of the ids', async () => {
  await using gw = await startTestGateway()
  const [a, b] = [await gw.createLipSync(), await gw.createLipSync()]
  const { data } = await gw.graphql(
    `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } node(id: "${a.id}") { id ... on LipSyncTask { caller } } none: node(id: "x") { id } }`,
    { ids: [b.id, 'x', a.id, b.id] },
  )
  const [first, second] = [a, b].map(({ id }) => ({ __typename: 'LipSyncTask', id }))
  expect(data).toEqual({ nodes: [second, null, first, second], node: { id: a.id, caller: 'open' }, none: null })
  const many = await gw.graphql('query ($ids: [ID!]!) { nodes(ids: $ids) { id } ok: lipSyncTask(id: "x") { id } }', {
    ids: Array.from({ length: 101 }, String),
  })
  expect(many.data).toEqual({ nodes: null, ok: null })
  expect(many.errors).toMatchObject([{ path: ['nodes'], extensions: { code: 'BAD_USER_INPUT', field: 'ids' } }])
})

test('a field that fails is null and does not affect the others', async () => {
  await using gw = await startTestGateway()
  const task = await gw.createLipSync()
  const { data, errors } = await gw.graphql(
    `{ lipSyncTask(id: "${task.id}") { id } lipSyncEstimate(durationSeconds: -1) { credits } lipSyncTasks(first: -1) { cursor } }`,
  )
  expect(data).toEqual({ lipSyncTask: { id: task.id }, lipSyncEstimate: null, lipSyncTasks: null })
  expect(errors?.map(({ path }) => path?.[0]).sort()).toEqual(['lipSyncEstimate', 'lipSyncTasks'])
})

test('aliased creates return every accepted id, even when others fail', async () => {
  await using gw = await startTestGateway()
  const create = (alias: string, url: string) =>
    `${alias}: createLipSync(input: { videoUrl: "${url}", audioUrl: "${AUDIO}" }) { task { id } errors { code path } }`
  const { data, errors } = await gw.graphql(
    `mutation { ${create('a', VIDEO)} ${create('b', 'x')} ${create('c', VIDEO)} }`,
  )
  expect(errors).toBeUndefined()
  const accepted = { task: { id: expect.any(String) }, errors: [] }
  const refused = { task: null, errors: [{ code: 'BAD_USER_INPUT', path: ['input', 'videoUrl'] }] }
  expect(data).toEqual({ a: accepted, b: refused, c: accepted })
})

test('a list has the cursor to follow from without a gap, even when it is empty', async () => {
  await using gw = await startTestGateway()
  const listed = async () => (await gw.graphql('{ lipSyncTasks(first: 1) { cursor } }')).data.lipSyncTasks.cursor
  const empty = gw.watch(undefined, await listed())
  const first = await gw.createLipSync()
  expect(await empty.next()).toMatchObject({ id: first.id, stage: 'QUEUED' })
  await gw.clock.advance(0)
  const later = gw.watch(undefined, await listed())
  const second = await gw.createLipSync()
  expect(await later.next()).toMatchObject({ id: second.id, stage: 'QUEUED' })
})

test('the history of a task is read a page at a time', async () => {
  await using gw = await startTestGateway()
  gw.jogg.plays(accepted('up'), success())
  const { id } = await gw.createLipSync()
  await gw.clock.advance(3_000)
  const history = async (args: string) =>
    (await gw.graphql(`{ lipSyncTask(id: "${id}") { history${args} { stage cursor reason at } } }`)).data.lipSyncTask
      .history
  const all = await history('')
  expect(all.map((step: { stage: string }) => step.stage)).toEqual(['QUEUED', 'SUBMITTING', 'SUBMITTED', 'SUCCESS'])
  const pages = [await history('(first: 3)'), await history(`(first: 3, after: "${all[2].cursor}")`)]
  expect(pages.flat()).toEqual(all)
})
