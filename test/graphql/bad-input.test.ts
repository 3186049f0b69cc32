import { afterAll, beforeAll, expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/errors.js'
import { AUDIO, startTestGateway, VIDEO } from '../support/gateway.js'

let gw: Awaited<ReturnType<typeof startTestGateway>>
beforeAll(async () => {
  gw = await startTestGateway()
})
afterAll(() => gw[Symbol.asyncDispose]())

function long(length: number) {
  return 'https://media.example/'.padEnd(length, 'x')
}

test.each([
  ['reference', 'a number', 7],
  ['videoUrl', 'a number', 7],
  ['videoUrl', 'null', null],
  ['videoUrl', 'missing', undefined],
  ['audioUrl', 'an object', { url: AUDIO }],
  ['playbackType', 'unknown', 'SIDEWAYS'],
  ['playbackType', 'null', null],
  ['callbackUrl', 'no such field', 'https://example.com'],
])('refuses a value of the wrong type as an error of the operation: %s %s', async (field, _what, value) => {
  const { data, errors } = await gw.create({ [field]: value })
  expect(errors).toHaveLength(1)
  expect(errors?.[0]).toMatchObject({ message: expect.stringContaining(field), extensions: { code: 'BAD_USER_INPUT' } })
  expect(data ?? null).toBeNull()
})

test.each([
  ['videoUrl', 'not a URL', 'talking.mp4'],
  ['videoUrl', 'empty', ''],
  ['videoUrl', 'white space', ' https://media.example/a.mp4'],
  ['videoUrl', 'a line break', 'https://media.example/a\nb.mp4'],
  ['videoUrl', 'an unpaired surrogate', 'https://media.example/\ud800.mp4'],
  ['audioUrl', 'ftp', 'ftp://media.example/a.mp3'],
  ['audioUrl', 'file', 'file:///etc/passwd'],
  ['audioUrl', 'data', 'data:audio/mp3;base64,AAAA'],
  ['videoUrl', 'credentials', 'https://user:secret@media.example/a.mp4'],
  ['videoUrl', 'a user', 'https://user@media.example/a.mp4'],
  ['audioUrl', 'too long', long(2_049)],
  ['reference', 'too long', 'r'.repeat(201)],
  ['reference', 'an unpaired surrogate', 'order \udc00'],
  ['reference', 'a zero-width space', 'order\u200b7'],
  ['reference', 'a variation selector', 'shop\ufe0f'],
  ['reference', 'a line break', 'a\nb'],
  ['idempotencyKey', 'empty', ''],
  ['idempotencyKey', 'too long', 'k'.repeat(129)],
  ['idempotencyKey', 'an unpaired surrogate', 'k\ud83d'],
  ['idempotencyKey', 'a Hangul filler', 'k\u3164'],
  ['idempotencyKey', 'a null byte', 'k\u0000'],
  ['expectedDurationSeconds', 'negative', -1],
  ['expectedDurationSeconds', 'eleven hours', 39_600],
])('refuses %s: %s, and names its path', async (field, _what, value) => {
  const { data, errors } = await gw.create({ [field]: value })
  expect(errors).toBeUndefined()
  expect(data.createLipSync).toMatchObject({
    task: null,
    errors: [{ code: 'BAD_USER_INPUT', path: ['input', field], message: expect.stringContaining(field) }],
  })
})

test('returns every mistake of an input at once', async () => {
  const { data } = await gw.create({
    videoUrl: 'x',
    audioUrl: 'ftp://x',
    reference: 'r'.repeat(201),
    idempotencyKey: '',
  })
  expect(data.createLipSync.errors.map((error: { path: string[] }) => error.path[1])).toEqual([
    'videoUrl',
    'audioUrl',
    'reference',
    'idempotencyKey',
  ])
})

test.each([
  ['cancelLipSync', 'input: { id: "x" }'],
  ['retryLipSync', 'input: { id: "x" }'],
  ['resolveLipSync', 'input: { id: "x", action: FAIL }'],
])('%s returns an unknown id as data', async (mutation, input) => {
  const { data, errors } = await gw.graphql(
    `mutation { it: ${mutation}(${input}) { task { id } errors { code path } } }`,
  )
  expect(errors).toBeUndefined()
  expect(data.it).toEqual({ task: null, errors: [{ code: 'NOT_FOUND', path: ['input', 'id'] }] })
})

test.each([
  ['{}', 'taskIds'],
  ['{ taskIds: [] }', 'taskIds'],
  ['{ taskIds: ["x"], reference: "r" }', 'taskIds'],
  ['{ taskIds: ["x"] }', 'taskIds'],
  [`{ taskIds: [${'"x",'.repeat(101)}] }`, 'taskIds'],
  ['{ reference: "" }', 'reference'],
  ['{ reference: "r", ttlSeconds: 0 }', 'ttlSeconds'],
])('createWatchToken refuses %s', async (input, field) => {
  const query = `mutation { it: createWatchToken(input: ${input}) { watchToken { token } errors { path } } }`
  const { data, errors } = await gw.graphql(query)
  expect(errors).toBeUndefined()
  expect(data.it).toEqual({ watchToken: null, errors: [{ path: ['input', field] }] })
})

test('accepts values at the limits', async () => {
  const { data } = await gw.create({
    videoUrl: long(2_048),
    reference: 'r'.repeat(200),
    idempotencyKey: '𝄞'.repeat(64),
  })
  expect(data.createLipSync.errors).toEqual([])
})

test('stores nothing of a rejected input', async () => {
  const { data } = await gw.graphql('{ lipSyncTasks(first: 100) { edges { node { videoUrl } } } }')
  expect(data.lipSyncTasks.edges).toHaveLength(1)
})

test('rejects a value that passes validation and fails at execution', async () => {
  const query = `mutation ($how: LipSyncPlaybackType) {
    createLipSync(input: { videoUrl: "${VIDEO}", audioUrl: "${AUDIO}", playbackType: $how }) { task { id } } }`
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
    `mutation { createLipSync(input: { videoUrl: "${VIDEO}" }) { task { id } } }`,
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
