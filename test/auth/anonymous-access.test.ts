import { expect, test } from 'vitest'
import { startTestGateway } from '../support/gateway.js'
import { ask } from '../support/raw-http.js'

const QUERY = '/graphql?query={__typename}'

test.each([
  ...['Via', 'Forwarded', 'X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto'],
  ...['X-Forwarded-Port', 'X-Forwarded-Server', 'CF-Connecting-IP', 'True-Client-IP'],
])('without a credential, a request with %s is refused: it came through a proxy', async header => {
  await using gw = await startTestGateway()
  for (const value of ['', '203.0.113.7']) {
    const { status, body } = await ask(gw.url + QUERY, { headers: { [header]: value } })
    expect([status, JSON.parse(body).errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
    expect(body).toContain(header.toLowerCase())
  }
})

test('AUTH=open on a loopback address is announced, and still checks the Host header', async () => {
  await using gw = await startTestGateway({ auth: 'open' })
  expect(gw.lines).toContainEqual(expect.objectContaining({ level: 40, msg: expect.stringMatching(/^AUTH=open/) }))
  expect((await ask(gw.url + QUERY, { headers: { host: 'evil.example' } })).status).toBe(401)
  expect((await ask(gw.url + QUERY)).status).toBe(200)
})

test('AUTH=open on an address for other machines accepts any Host and proxies', async () => {
  await using gw = await startTestGateway({ auth: 'open', host: '0.0.0.0' })
  const headers = { host: 'gateway.example', 'x-forwarded-for': '203.0.113.7' }
  expect((await ask(gw.url + QUERY, { headers })).status).toBe(200)
})
