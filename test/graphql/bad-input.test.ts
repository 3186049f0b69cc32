import { afterAll, beforeAll, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/errors.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

const long = (length: number) => 'https://media.example/'.padEnd(length, 'x')

test.each([
  ['videoUrl', 'not a URL', 'talking.mp4'],
  ['videoUrl', 'empty', ''],
  ['videoUrl', 'white space', ' https://media.example/a.mp4'],
  ['videoUrl', 'a line break', 'https://media.example/a\nb.mp4'],
  ['audioUrl', 'ftp', 'ftp://media.example/a.mp3'],
  ['audioUrl', 'file', 'file:///etc/passwd'],
  ['audioUrl', 'data', 'data:audio/mp3;base64,AAAA'],
  ['videoUrl', 'credentials', 'https://user:secret@media.example/a.mp4'],
  ['videoUrl', 'a user', 'https://user@media.example/a.mp4'],
  ['audioUrl', 'too long', long(2_049)],
  ['reference', 'too long', 'r'.repeat(201)],
  ['reference', 'a number', 7],
  ['videoUrl', 'a number', 7],
  ['videoUrl', 'null', null],
  ['videoUrl', 'missing', undefined],
  ['audioUrl', 'an object', { url: AUDIO }],
  ['playbackType', 'unknown', 'SIDEWAYS'],
  ['playbackType', 'null', null],
  ['callbackUrl', 'no such field', 'https://example.com'],
])('%s: %s is one error that names the field', async (field, _what, value) => {
  const { data, errors } = await gw.create({ [field]: value })
  expect(errors).toHaveLength(1)
  expect(errors?.[0]).toMatchObject({ message: expect.stringContaining(field), extensions: { code: 'BAD_USER_INPUT' } })
  expect(data ?? null).toBeNull()
})

test('what is just within the limits is accepted', async () => {
  const { errors } = await gw.create({ videoUrl: long(2_048), reference: 'r'.repeat(200) })
  expect(errors).toBeUndefined()
})

test('nothing that was refused was kept', async () => {
  const { data } = await gw.graphql('{ lipSyncTasks(first: 100) { edges { node { videoUrl } } } }')
  expect(data.lipSyncTasks.edges).toHaveLength(1)
})

test('a value that passes the schema and not the resolver is refused as well', async () => {
  const query = `mutation ($how: PlaybackType) {
    createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${AUDIO}", playbackType: $how }) { id } }`
  const { errors } = await gw.graphql(query, { how: null })
  expect(errors).toMatchObject([{ path: ['createLipSync'], extensions: { code: 'BAD_USER_INPUT' } }])
  expect(errors?.[0]?.message).toContain('input')
})

test.each([
  ['GRAPHQL_PARSE_FAILED', 'cut off', '{ lipSyncTask('],
  ['GRAPHQL_PARSE_FAILED', 'empty', ''],
  ['GRAPHQL_VALIDATION_FAILED', 'no such field', '{ lipSyncTask(id: "1") { nonsense } }'],
  [
    'GRAPHQL_VALIDATION_FAILED',
    'a field too few',
    `mutation { createLipSync(input: { videoUrl: "${VIDEO}" }) { id } }`,
  ],
  ['OPERATION_RESOLUTION_FAILURE', 'two operations', 'query A { __typename } query B { __typename }'],
  ['OPERATION_RESOLUTION_FAILURE', 'no operation', 'fragment F on LipSyncTask { id }'],
  [
    'QUERY_TOO_COMPLEX',
    'aliases',
    `{ ${Array.from({ length: 16 }, (_, i) => `a${i}: __type(name: "URL") { name }`).join(' ')} }`,
  ],
  ['QUERY_TOO_COMPLEX', 'depth', `{ ${'... { '.repeat(13)} __typename ${'} '.repeat(13)} }`],
  ['QUERY_TOO_COMPLEX', 'tokens', `{ ${'__typename '.repeat(2_001)} }`],
])('%s: %s', async (expected, _what, query) => {
  const strict = { accept: 'application/graphql-response+json' }
  const { status, errors } = await gw.graphql(query, {}, strict)
  expect(errors).toMatchObject([{ extensions: { code: expected } }])
  expect(Object.keys(ERROR_CODES)).toContain(expected)
  expect(Object.keys(errors?.[0]?.extensions ?? {})).toEqual(['code'])
  expect(errors?.[0]?.message).not.toMatch(/^Syntax Error: (Query|Token|Alias)/)
  expect(status).toBe(400)
})
