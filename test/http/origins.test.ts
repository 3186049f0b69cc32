import { expect, test } from 'vitest'
import { startGatewayWithKeys } from '../support/callers.js'
import { startTestGateway } from '../support/gateway.js'
import { ask } from '../support/raw-http.js'
import { openSocket } from '../support/socket.js'

const QUERY = '/graphql?query={__typename}'
const LOOPBACK = ['http://localhost:3000', 'http://127.0.0.1:5173', 'http://[::1]:8080']

test('pages of the same machine may use an open gateway, on any port', async () => {
  await using gw = await startTestGateway()
  for (const origin of LOOPBACK) {
    const { status, headers } = await ask(gw.url + QUERY, { headers: { origin, 'sec-fetch-site': 'cross-site' } })
    expect([status, headers['access-control-allow-origin']]).toEqual([200, origin])
    await (await openSocket(gw.url, { origin })).init()
  }
})

test('a gateway with keys accepts pages of listed origins only', async () => {
  await using gw = await startGatewayWithKeys()
  const { headers: key } = await gw.createKey('me')
  await gw.clock.advance(1_000)
  for (const origin of LOOPBACK) {
    const { headers } = await ask(gw.url + QUERY, { headers: { origin, ...key } })
    expect(headers['access-control-allow-origin']).toBeUndefined()
    await expect(openSocket(gw.url, { origin })).rejects.toThrow('403')
  }
})

test('an open gateway executes nothing for pages of other sites', async () => {
  await using gw = await startTestGateway()
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ] as Record<string, string>[]) {
    const { status, body } = await ask(gw.url + QUERY, { headers })
    expect([status, JSON.parse(body).errors[0].extensions]).toEqual([403, { code: 'FORBIDDEN' }])
  }
  for (const site of ['same-origin', 'same-site', 'none'])
    expect((await ask(gw.url + QUERY, { headers: { 'sec-fetch-site': site } })).status).toBe(200)
})

test('logs rejected origins with the option that allows them, each once a minute', async () => {
  await using gw = await startTestGateway()
  const refusals = () => gw.lines.filter(line => String(line.msg).includes('CORS_ORIGINS')).map(line => line.origin)
  const ten = Array.from({ length: 10 }, () => ask(gw.url + QUERY, { headers: { origin: 'https://app.example' } }))
  await Promise.all(ten)
  await expect(openSocket(gw.url, { origin: 'https://other.example' })).rejects.toThrow('403')
  expect(refusals()).toEqual(['https://app.example', 'https://other.example'])
  await gw.clock.advance(60_000)
  for (let page = 0; page < 100; page++)
    await ask(gw.url + QUERY, { headers: { origin: `https://page-${page}.example` } })
  expect(refusals()).toHaveLength(22)
})
