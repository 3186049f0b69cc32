import { GraphQLError } from 'graphql'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode, GatewayError } from '../../src/errors.js'
import { describeError } from '../../src/http/describe-error.js'
import { toGraphQLError } from '../../src/http/graphql-error.js'
import { StoreError } from '../../src/tasks/store-error.js'

const lines: Record<string, unknown>[] = []
const log = pino({ base: null }, { write: line => void lines.push(JSON.parse(line)) })

test('each code has one status and one text', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[])
    expect(describeError(new GatewayError(code), log)).toEqual({ code, ...ERROR_CODES[code], details: {}, id: null })
})

test.each([
  ['busy', 1],
  ['full', 60],
] as const)('a %s store is worth another try, and its path stays in the log', (kind, retryAfter) => {
  const described = describeError(new StoreError(kind, 'the disk of /var/lib/gateway.db'), log)
  expect(described).toMatchObject({ code: 'STORE_UNAVAILABLE', status: 503, details: { retryAfter } })
  expect(JSON.stringify(described)).not.toContain('/var/lib')
  expect(lines.at(-1)).toMatchObject({ err: { message: 'the disk of /var/lib/gateway.db' } })
  const { extensions } = toGraphQLError(new StoreError(kind, 'x'), log)
  expect(extensions).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    http: { status: 503, headers: { 'retry-after': `${retryAfter}` } },
  })
})

test.each([new Error('secret'), 'secret', new StoreError('failed', 'secret'), null])(
  'anything else leaves as an id, under which the log has it',
  thrown => {
    const described = describeError(thrown, log)
    expect(described).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error.', status: 500 })
    expect(described.id).toEqual(expect.any(String))
    expect(lines.at(-1)).toMatchObject({ errorId: described.id, msg: 'unexpected error' })
    expect(JSON.stringify(toGraphQLError(thrown, log))).not.toContain('secret')
  },
)

test('an error of a field keeps its place and leaves the status to the rest of the response', () => {
  const located = new GraphQLError('x', { path: ['a'], originalError: badField() })
  expect(toGraphQLError(located, log)).toMatchObject({
    path: ['a'],
    extensions: { code: 'BAD_USER_INPUT', field: 'videoUrl' },
  })
  expect(toGraphQLError(located, log).extensions.http).toBeUndefined()
})

function badField(): GatewayError {
  return new GatewayError('BAD_USER_INPUT', 'videoUrl is missing', { field: 'videoUrl' })
}
