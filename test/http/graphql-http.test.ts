import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { meddle, newDatabase } from '../support/database.js'
import { startTestGateway, VIDEO } from '../support/gateway.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

const SPEC = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'

const CREATE = `mutation { createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${VIDEO}" }) { task { id } } }`
describe('the response has the requested media type and the status that belongs to it', () => {
  test.each([
    ['{ __typename }', 200, 200],
    ['{ lipSyncTasks(first: 1000) { pageInfo { hasNextPage } } }', 200, 200],
    ['{', 400, 200],
    ['{ nonsense }', 400, 200],
    ['query ($id: ID!) { lipSyncTask(id: $id) { id } }', 400, 200],
  ])('%s', async (query, bySpec, byHabit) => {
    const body = JSON.stringify({ query })
    expect(await post(body, { accept: SPEC })).toMatchObject({ status: bySpec, type: `${SPEC}; charset=utf-8` })
    expect(await post(body, { accept: JSON_TYPE })).toMatchObject({
      status: byHabit,
      type: `${JSON_TYPE}; charset=utf-8`,
    })
  })

  test('406 when no supported media type is acceptable', async () => {
    expect((await post('{"query":"{__typename}"}', { accept: 'image/png' })).status).toBe(406)
  })
})

test('GET reads, and never writes', async () => {
  const answer = await get({ query: 'query ($id: ID!) { lipSyncTask(id: $id) { id } }', variables: '{"id":"x"}' })
  expect(await answer.json()).toEqual({ data: { lipSyncTask: null } })
  const refused = await get({ query: CREATE })
  expect(refused.status).toBe(405)
  expect(refused.headers.get('allow')).toBe('POST')
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
  expect(await created()).toBe(0)
})

test.each([
  ['text/plain', JSON.stringify({ query: CREATE })],
  ['application/x-www-form-urlencoded', new URLSearchParams({ query: CREATE }).toString()],
  ['multipart/form-data; boundary=x', `--x\r\ncontent-disposition: form-data; name="query"\r\n\r\n${CREATE}\r\n--x--`],
  ['text/plain; application/json', JSON.stringify({ query: CREATE })],
  ['text/plain, application/json', JSON.stringify({ query: CREATE })],
  ['application/jsonx', JSON.stringify({ query: CREATE })],
  ['', JSON.stringify({ query: CREATE })],
])('a page that sends %j on its own creates no task', async (type, body) => {
  const { status, json } = await post(body, { 'content-type': type })
  expect(status).toBe(415)
  expect(json).toEqual({
    errors: [
      {
        message: 'Send the body as application/json, uncompressed.',
        extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' },
      },
    ],
  })
  expect(await created()).toBe(0)
})

test.each([
  ['no JSON', '{"query": secret'],
  ['no object', '"query"'],
  ['null', 'null'],
  ['no query', '{}'],
  ['a query that is no text', '{"query":{}}'],
  ['variables that are no object', '{"query":"{__typename}","variables":"x"}'],
  ['something extra', '{"query":"{__typename}","batch":true}'],
  ['a batch', '[{"query":"{__typename}"},{"query":"{__typename}"}]'],
])('%s is no request', async (_what, body) => {
  const { status, json } = await post(body, { accept: SPEC })
  expect(status).toBe(400)
  expect(json).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }] })
})

test('rejects variables that are not JSON', async () => {
  const answer = await get({ query: '{ __typename }', variables: '{' })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
})

describe('rejects a body of more than 100 KB', () => {
  const body = (bytes: number) => JSON.stringify({ query: '{ __typename }' }).padEnd(bytes, ' ')

  test('with a Content-Length', async () => {
    expect((await post(body(100_000))).status).toBe(200)
    const { status, json } = await post(body(100_001))
    expect(status).toBe(413)
    expect(json).toMatchObject({ errors: [{ extensions: { code: 'REQUEST_ENTITY_TOO_LARGE' } }] })
  })

  test('in chunks', async () => {
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const req = request(`${gw.url}/graphql`, { method: 'POST', headers: { 'content-type': JSON_TYPE } }, res => {
        res.resume()
        resolve(res.statusCode)
      })
      req.on('error', reject)
      req.write(body(60_000))
      req.end(body(60_000))
    })
    expect(await answered).toBe(413)
  })
})

test('an unexpected error is sent as the id of its log line only', async () => {
  const file = await newDatabase()
  await using broken = await startTestGateway({ databaseUrl: `file:${file}` })
  await broken.createLipSync()
  await broken.clock.advance(0)
  meddle(file, database => database.exec('ALTER TABLE tasks RENAME COLUMN video_url TO elsewhere'))

  const { status, data, errors } = await broken.graphql('{ lipSyncTask(id: "x") { id } }')
  expect({ status, data }).toEqual({ status: 200, data: { lipSyncTask: null } })
  const [error] = errors ?? []
  expect(error).toEqual({
    message: 'Internal server error.',
    locations: expect.anything(),
    path: ['lipSyncTask'],
    extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
  })
  expect(broken.lines).toContainEqual(
    expect.objectContaining({
      errorId: error?.extensions?.id,
      err: expect.objectContaining({ message: expect.stringContaining('video_url'), stack: expect.any(String) }),
    }),
  )
})

async function post(body: string, headers: Record<string, string> = {}) {
  const all = { 'content-type': JSON_TYPE, ...headers }
  const response = await fetch(`${gw.url}/graphql`, { method: 'POST', headers: all, body })
  const text = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), text, json: text && JSON.parse(text) }
}

function get(params: Record<string, string>) {
  return fetch(`${gw.url}/graphql?${new URLSearchParams(params)}`)
}

async function created() {
  const { data } = await gw.graphql('{ lipSyncTasks { edges { node { id } } } }')
  return data.lipSyncTasks.edges.length
}
