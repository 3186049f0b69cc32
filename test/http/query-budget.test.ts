import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/index.js'
import { createQueryBudget } from '../../src/http/query-budget.js'
import { startGatewayWithKeys } from '../support/callers.js'
import { createManualClock } from '../support/manual-clock.js'
import { openSocket } from '../support/socket.js'

const EXPENSIVE = `{ ${Array.from(
  { length: 10 },
  (_, index) => `a${index}: lipSyncTasks(first: 100) { edges { node { id stage status createdAt videoUrl } } }`,
).join(' ')} }`

test('limits the operations of a caller per minute, over all its credentials', async () => {
  await using gw = await startGatewayWithKeys()
  const me = await gw.createKey('me')
  const mint = 'mutation { createWatchToken(input: { reference: "r" }) { watchToken { token } } }'
  const { token } = (await gw.graphql(mint, {}, me.headers)).data.createWatchToken.watchToken
  const watcher = { authorization: `Bearer ${token}` }

  const statuses: number[] = []
  for (let count = 0; statuses.at(-1) !== 429 && count < 1_000; count++)
    statuses.push((await gw.graphql(EXPENSIVE, {}, count % 2 ? me.headers : watcher)).status)
  // The limit of the schema allows 15,000 points an operation, the budget two million.
  expect(statuses.length).toBeGreaterThan(100)
  const refused = await gw.graphql('{ __typename }', {}, me.headers)
  expect([refused.status, refused.errors?.[0]?.extensions]).toEqual([429, { code: 'RATE_LIMITED', retryAfter: 60 }])
  expect(refused.headers.get('retry-after')).toBe('60')

  const client = await openSocket(gw.url)
  client.send({ type: 'connection_init', payload: { 'x-api-key': me.text } })
  await client.next()
  client.ask('1', 'subscription { tasksUpdated { cursor } }')
  expect((await client.next()).payload.errors[0].extensions).toEqual({ code: 'RATE_LIMITED', retryAfter: 60 })
  client.socket.close()

  const other = await gw.createKey('you')
  expect((await gw.graphql('{ __typename }', {}, other.headers)).status).toBe(200)
  await gw.clock.advance(60_000)
  expect((await gw.graphql('{ __typename }', {}, me.headers)).status).toBe(200)
})

test('charges an operation its own price, without the rest of its document', () => {
  const budget = createQueryBudget(createManualClock())
  const document = parse(`query Cheap { __typename } query Dear ${EXPENSIVE}`)
  const admitted = (operationName: string) => {
    let count = 0
    try {
      for (; count < 1_000; count++)
        budget.enter(operationName, { schema, document, operationName, contextValue: {} })()
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'RATE_LIMITED' })
    }
    return count
  }
  expect(admitted('Cheap')).toBe(1_000)
  expect(admitted('Dear')).toBeLessThan(500)
})

test('limits the concurrent operations of a caller', () => {
  const budget = createQueryBudget(createManualClock())
  const operation = { schema, document: parse('{ __typename }'), contextValue: {} }
  const running = Array.from({ length: 1_000 }, () => budget.enter('me', operation))
  expect(() => budget.enter('me', operation)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }))
  budget.enter('you', operation)
  running[0]?.()
  budget.enter('me', operation)
})
