import { expect, test } from 'vitest'
import { startTestGateway, VIDEO } from '../support/gateway.js'

const EVERYTHING = `id status stage videoUrl audioUrl playbackType reference createdAt submittedAt startedAt completedAt
  result { resultUrl coverUrl durationSeconds credits } error { code message } queuePosition estimatedStartAt progress
  stalledSince retryOf cursor history { at stage reason cursor }`

test('the largest page fits, with all of its tasks and their history', async () => {
  await using gw = await startTestGateway()
  await gw.createLipSync()
  const query = `query ($first: Int) { lipSyncTasks(first: $first) { edges { cursor node { ${EVERYTHING} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
  const { data, errors } = await gw.graphql(query, { first: 100 })
  expect(errors).toBeUndefined()
  expect(data.lipSyncTasks.edges).toHaveLength(1)
})

test.each([{ literal: '100' }, { literal: '$first' }])(
  'many large pages in one request are refused: first $literal',
  async ({ literal }) => {
    await using gw = await startTestGateway()
    const page = (name: number) =>
      `p${name}: lipSyncTasks(first: ${literal}) { edges { node { queuePosition estimatedStartAt progress history { reason } } } }`
    const query = `query ($first: Int) { lipSyncEstimate(durationSeconds: 1) { credits } ${Array.from({ length: 10 }, (_, i) => page(i)).join(' ')} }`
    const { status, errors } = await gw.graphql(literal === '$first' ? query : query.replace('($first: Int)', ''), {
      first: 100,
    })
    expect(status).toBe(400)
    expect(new Set(errors?.map(error => error.extensions?.code))).toEqual(new Set(['QUERY_TOO_COMPLEX']))
  },
)

test('a page of queued tasks takes one look at the queue', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  for (let i = 0; i < 100; i++) await gw.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: VIDEO })
  await gw.clock.advance(0)
  const { data } = await gw.graphql('{ lipSyncTasks(last: 100) { edges { node { queuePosition estimatedStartAt } } } }')
  const places = data.lipSyncTasks.edges.map(
    (edge: { node: { queuePosition: number | null } }) => edge.node.queuePosition,
  )
  expect(places).toEqual([...Array.from({ length: 99 }, (_, i) => 99 - i), null])
})
