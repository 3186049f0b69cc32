import { expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { startTestGateway, VIDEO } from '../support/gateway.js'

type Gateway = Pick<Awaited<ReturnType<typeof startTestGateway>>, 'graphql'>

const BATCH = `batch { id size progress creditsReserved creditsSpent counts { status count }
  tasks(first: 100) { edges { node { id reference audioUrl stage } } } }`

const tracksOf = (count: number, fields: object = {}) =>
  Array.from({ length: count }, (_, i) => ({
    audioUrl: `https://media.example/${i}.mp3`,
    reference: `lang-${i}`,
    idempotencyKey: `key-${i}`,
    ...fields,
  }))

async function createBatch(gw: Gateway, input: object, headers: Record<string, string> = {}) {
  const query = `mutation ($input: CreateLipSyncBatchInput!) { createLipSyncBatch(input: $input) {
    ${BATCH} errors { code message path creditsLeft } } }`
  const { data, errors } = await gw.graphql(query, { input: { videoUrl: VIDEO, ...input } }, headers)
  if (errors) throw new Error(JSON.stringify(errors))
  return data.createLipSyncBatch
}

async function taskCount(gw: Gateway, headers: Record<string, string> = {}): Promise<number> {
  const { data } = await gw.graphql('{ viewer { usage { tasks { count } } } }', {}, headers)
  const months: { tasks: { count: number }[] }[] = data.viewer.usage
  return months.flatMap(month => month.tasks).reduce((sum, { count }) => sum + count, 0)
}

test('a batch of 500 tracks is one task for each, in one request', async () => {
  await using gw = await startTestGateway()
  const { batch, errors } = await createBatch(gw, {
    tracks: tracksOf(500, { audioUrl: `https://media.example/${'a'.repeat(1_900)}` }),
  })
  expect(errors).toEqual([])
  expect(batch.size).toBe(500)
  expect(await taskCount(gw)).toBe(500)
})

test('a repeated batch is the same batch', async () => {
  await using gw = await startTestGateway()
  const first = await createBatch(gw, { tracks: tracksOf(3) })
  const again = await createBatch(gw, { tracks: tracksOf(3) })
  expect(again.batch.id).toBe(first.batch.id)
  expect(await taskCount(gw)).toBe(3)
})

test('a batch is refused as a whole, with the index of each wrong track', async () => {
  await using gw = await startTestGateway()
  const tracks = tracksOf(4)
  const wrong = [
    tracks[0],
    { ...tracks[1], audioUrl: 'ftp://x/y' },
    tracks[2],
    { ...tracks[3], idempotencyKey: 'key-0', reference: 'x'.repeat(201) },
  ]
  const { batch, errors } = await createBatch(gw, { tracks: wrong })
  expect(batch).toBeNull()
  expect(errors.map((error: { path: string[] }) => error.path)).toEqual(
    expect.arrayContaining([
      ['input', 'tracks', '1', 'audioUrl'],
      ['input', 'tracks', '3', 'reference'],
    ]),
  )
  const twice = await createBatch(gw, { tracks: [tracks[0], tracks[0]] })
  expect(twice.errors).toMatchObject([{ path: ['input', 'tracks', '1', 'idempotencyKey'] }])
  expect(await taskCount(gw)).toBe(0)
})

test('idempotency keys of other tasks refuse the batch, by their indexes', async () => {
  await using gw = await startTestGateway()
  await gw.createLipSync({ idempotencyKey: 'key-1' })
  const { batch, errors } = await createBatch(gw, { tracks: tracksOf(3) })
  expect(batch).toBeNull()
  expect(errors).toMatchObject([{ code: 'IDEMPOTENCY_MISMATCH', path: ['input', 'tracks', '1', 'idempotencyKey'] }])
  expect(await taskCount(gw)).toBe(1)
})

test.each([0, 501])('%i tracks are refused', async count => {
  await using gw = await startTestGateway()
  const { errors } = await createBatch(gw, { tracks: tracksOf(count) })
  expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['input', 'tracks'] }])
})

test('the budget and the queue are checked for all tracks together', async () => {
  await using gw = await startGatewayWithKeys()
  const tracks = tracksOf(10, { expectedDurationSeconds: 125 })
  const limits = [
    [{ monthlyCredits: 9 }, { code: 'BUDGET_EXCEEDED', creditsLeft: 9 }],
    [{ waitingTasks: 9 }, { code: 'LIMIT_EXCEEDED' }],
  ] as const
  for (const [index, [limit, error]] of limits.entries()) {
    const { headers } = await gw.createKey(`caller-${index}`, { limits: limit })
    expect((await createBatch(gw, { tracks }, headers)).errors).toMatchObject([error])
    expect(await taskCount(gw, headers)).toBe(0)
  }
  const { headers } = await gw.createKey('fits', { limits: { monthlyCredits: 10, waitingTasks: 10 } })
  const { batch } = await createBatch(gw, { tracks }, headers)
  expect(batch).toMatchObject({ size: 10, creditsReserved: 10, progress: 0 })
  const more = await createBatch(gw, { tracks: [{ audioUrl: 'https://media.example/more.mp3' }] }, headers)
  expect(more.errors).toMatchObject([{ code: 'BUDGET_EXCEEDED', creditsLeft: 0 }])
})

test('a batch is one create, whatever its size', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me', { limits: { createsPerMinute: 2 } })
  expect((await createBatch(gw, { tracks: tracksOf(10) }, headers)).errors).toEqual([])
  const named = (name: string) => ({ tracks: [{ audioUrl: `https://media.example/${name}.mp3` }] })
  expect((await createBatch(gw, named('second'), headers)).errors).toEqual([])
  expect((await createBatch(gw, named('third'), headers)).errors).toMatchObject([{ code: 'RATE_LIMITED' }])
})

test('the default limits let the largest batch through', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const { batch, errors } = await createBatch(gw, { tracks: tracksOf(500) }, headers)
  expect(errors).toEqual([])
  expect(batch).toMatchObject({ size: 500 })
})

test('one cursor follows a batch to its end', async () => {
  await using gw = await startTestGateway()
  const { batch } = await createBatch(gw, { tracks: tracksOf(3) })
  await gw.createLipSync()
  const query =
    'subscription ($id: ID!, $after: String) { taskUpdated(batch: $id, after: $after) { cursor stage task { reference } } }'
  const seen: { cursor: string; stage: string; task: { reference: string } }[] = []
  const follow = async (after?: string) => {
    for await (const { data } of gw
      .client()
      .iterate<{ taskUpdated: (typeof seen)[number] }>({ query, variables: { id: batch.id, after } }))
      if (data) seen.push(data.taskUpdated)
  }
  const following = follow()
  await gw.clock.advance(10)
  for (const job of gw.jogg.jobs.accepted()) gw.jogg.finish(job.taskId)
  await gw.clock.advance(20_000)
  await following
  expect(
    seen
      .filter(({ stage }) => stage === 'SUCCESS')
      .map(({ task }) => task.reference)
      .sort(),
  ).toEqual(['lang-0', 'lang-1', 'lang-2'])
  const all = seen.splice(0)
  await follow(all[4]?.cursor)
  expect(seen).toEqual(all.slice(5))
  seen.splice(0)
  await follow(all.at(-1)?.cursor)
  expect(seen).toEqual(all.slice(-1))
  const { data } = await gw.graphql(
    `query ($id: ID!) { lipSyncBatch(id: $id) { progress counts { status count } } node(id: $id) { __typename } }`,
    { id: batch.id },
  )
  expect(data.lipSyncBatch.progress).toBe(1)
  expect(data.lipSyncBatch.counts).toContainEqual({ status: 'SUCCESS', count: 3 })
  expect(data.node).toEqual({ __typename: 'LipSyncBatch' })
})

test('canceling a batch cancels what is still queued', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  const { batch } = await createBatch(gw, { tracks: tracksOf(4) })
  await gw.clock.advance(10)
  const { data } = await gw.graphql(
    `mutation ($id: ID!) { cancelLipSyncBatch(input: { id: $id }) { ${BATCH} errors { code } } }`,
    { id: batch.id },
  )
  expect(data.cancelLipSyncBatch.errors).toEqual([])
  expect(data.cancelLipSyncBatch.batch.counts).toEqual(
    expect.arrayContaining([
      { status: 'CANCELED', count: 3 },
      { status: 'PENDING', count: 1 },
    ]),
  )
})

test('a watch token for a batch shows its tasks and no others', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers } = await gw.createKey('me')
  const { batch } = await createBatch(gw, { tracks: tracksOf(2) }, headers)
  await createBatch(gw, { tracks: [{ audioUrl: 'https://media.example/other.mp3' }] }, headers)
  const mint =
    'mutation ($id: ID!) { createWatchToken(input: { batchId: $id }) { watchToken { token } errors { code } } }'
  const { data } = await gw.graphql(mint, { id: batch.id }, headers)
  const watcher = { authorization: `Bearer ${data.createWatchToken.watchToken.token}` }
  const list = await gw.graphql(
    'query ($id: ID!) { lipSyncTasks { edges { node { reference } } } lipSyncBatch(id: $id) { size } }',
    { id: batch.id },
    watcher,
  )
  expect(
    list.data.lipSyncTasks.edges.map((edge: { node: { reference: string } }) => edge.node.reference).sort(),
  ).toEqual(['lang-0', 'lang-1'])
  expect(list.data.lipSyncBatch).toEqual({ size: 2 })
  expect((await gw.graphql(mint, { id: 'unknown' }, headers)).data.createWatchToken.errors).toMatchObject([
    { code: 'NOT_FOUND' },
  ])
})

test('callers cannot see the batches of others', async () => {
  await using gw = await startGatewayWithKeys()
  const [mine, other] = [await gw.createKey('me'), await gw.createKey('other')]
  const { batch } = await createBatch(gw, { tracks: tracksOf(2) }, mine.headers)
  const { data } = await gw.graphql(
    'query ($id: ID!) { lipSyncBatch(id: $id) { size } }',
    { id: batch.id },
    other.headers,
  )
  expect(data.lipSyncBatch).toBeNull()
})
