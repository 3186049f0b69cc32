import { auditServer } from 'graphql-http'
import { expect, test } from 'vitest'
import { startTestGateway } from '../support/gateway.js'

test('meets every requirement and recommendation of GraphQL over HTTP', async () => {
  await using gw = await startTestGateway()
  const results = await auditServer({ url: `${gw.url}/graphql` })
  expect(results.length).toBeGreaterThan(50)
  const failed = results.flatMap(result => (result.status === 'ok' ? [] : [`${result.status}: ${result.name}`]))
  expect(failed).toEqual([])
})
