import { expect, test, vi } from 'vitest'
import { Database } from '../../src/store/sqlite/load-sqlite.js'
import { startTestGateway, VIDEO } from '../support/gateway.js'

const EVERYTHING = `id status stage caller videoUrl audioUrl playbackType reference createdAt submittedAt startedAt
  completedAt result { resultUrl coverUrl durationSeconds credits animation animatedShare } failure { code message }
  queuePosition estimatedStartAt progress stalledSince problem retryOf { id } cursor history { at stage reason cursor }`
const LIVE = 'queuePosition estimatedStartAt progress stalledSince problem'

test('the largest page fits into the limit with every field', async () => {
  await using gw = await startTestGateway()
  await gw.createLipSync()
  const query = `query ($first: Int) { lipSyncTasks(first: $first) { edges { cursor node { ${EVERYTHING} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`
  const { data, errors } = await gw.graphql(query, { first: 100 })
  expect(errors).toBeUndefined()
  expect(data.lipSyncTasks.edges).toHaveLength(1)
})

test.each([{ literal: '100' }, { literal: '$first' }])(
  'refuses many large pages in one request: first $literal',
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

/** Counts the SQL statements that `act` runs. */
async function statementsOf(act: () => Promise<unknown>): Promise<number> {
  const probe = new Database(':memory:')
  const prototype = Object.getPrototypeOf(probe.prepare('SELECT 1'))
  probe.close()
  const spies = (['get', 'all', 'run', 'iterate'] as const).map(method => vi.spyOn(prototype, method))
  try {
    await act()
    return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

test('a page of 100 tasks with all live values costs a handful of statements, and a page of 10 as many', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  for (let i = 0; i < 100; i++) await gw.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: VIDEO })
  await gw.clock.advance(0)
  let positions: (number | null)[] = []
  const read = (first: number) => async () => {
    const { data } = await gw.graphql(`{ lipSyncTasks(first: ${first}) { edges { node { id ${LIVE} } } } }`)
    positions = data.lipSyncTasks.edges.map(
      (edge: { node: { queuePosition: number | null } }) => edge.node.queuePosition,
    )
  }
  const [ten, hundred] = [await statementsOf(read(10)), await statementsOf(read(100))]
  expect(positions).toEqual([...Array.from({ length: 99 }, (_, i) => 99 - i), null])
  // The larger page shows the submitted task too, whose poll state is one more statement.
  expect([ten, hundred]).toEqual([7, 8])
})

test('fifteen aliases of a live value cost what one costs', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  for (let i = 0; i < 20; i++) await gw.gateway.tasks.create({ videoUrl: `${VIDEO}?${i}`, audioUrl: VIDEO })
  await gw.clock.advance(0)
  const read = (aliases: number) => () => {
    const fields = Array.from({ length: aliases }, (_, i) => `a${i}: queuePosition`).join(' ')
    return gw.graphql(`{ lipSyncTasks(first: 10) { edges { node { ${fields} } } } }`)
  }
  expect(await statementsOf(read(15))).toBe(await statementsOf(read(1)))
})

test('fifteen aliases of one task load it and its live values once', async () => {
  await using gw = await startTestGateway({ submits: { perMinute: 1 } })
  await gw.createLipSync()
  const { id } = await gw.createLipSync({ videoUrl: `${VIDEO}?2` })
  await gw.clock.advance(0)
  const read = (aliases: number) => () => {
    const fields = Array.from({ length: aliases }, (_, i) => `a${i}: lipSyncTask(id: "${id}") { queuePosition }`)
    return gw.graphql(`{ ${fields.join(' ')} }`)
  }
  expect(await statementsOf(read(15))).toBe(await statementsOf(read(1)))
})
