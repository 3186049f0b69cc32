import { buildSchema, defaultFieldResolver, GraphQLError, isObjectType, parse, validate } from 'graphql'
import { describe, expect, test } from 'vitest'
import { createPreparation, type PreparedOperation } from '../../../src/http/operations/preparation.js'

const schema = buildSchema(`
  type Query { text(of: String, list: [Int]): String person: Person fails: String }
  type Person { name: String! friend: Person failing: String! }
  type Mutation { count: Int }
`)
// A property that is a function needs a resolver.
for (const type of Object.values(schema.getTypeMap()))
  if (isObjectType(type) && !type.name.startsWith('__'))
    for (const field of Object.values(type.getFields())) field.resolve = defaultFieldResolver

const root = {
  text: ({ of }: { of?: string }) => of ?? 'none',
  person: () => ({ name: 'Ada', friend: { name: null }, failing: () => Promise.reject(new Error('no')) }),
  fails: () => Promise.reject(new Error('no')),
}
test('parses a document once for all its uses', () => {
  const { prepare, parsed } = create()
  expect(prepare('{ text }')).toBe(prepare('{ text }'))
  const two = 'query A { text } query B { person { name } }'
  expect(prepare(two, 'A').node.name?.value).toBe('A')
  expect(prepare(two, 'B').node.name?.value).toBe('B')
  expect(prepare(two, 'A')).toBe(prepare(two, 'A'))
  expect(parsed).toEqual(['{ text }', two])
})

test('does not keep a document that fails', () => {
  const { preparation } = create()
  expect(() => preparation.prepare('{', null)).toThrow(GraphQLError)
  expect(preparation.prepare('{ nothing }', null)).toEqual([expect.any(GraphQLError)])
  expect(preparation.prepare('query A { text }', 'B')).toBeNull()
  expect(preparation.prepare('query A { text }', '')).toBeNull()
  expect(preparation.prepare('query A { text }', null)).toMatchObject({ node: { name: { value: 'A' } } })
})

test('evicts what was not used for long', () => {
  const { prepare, parsed } = create()
  prepare('{ text }')
  for (let index = 0; index < 400; index++) prepare(`{ text } # ${index} ${'-'.repeat(400)}`)
  parsed.length = 0
  prepare('{ text }')
  expect(parsed).toEqual(['{ text }'])
})

describe('the compiled uses have the result of the first', () => {
  test.each<[string, Record<string, unknown>?]>([
    ['{ text }'],
    ['query ($of: String) { text(of: $of) }', { of: 'x' }],
    ['query ($of: String) { text(of: $of) }', { of: null }],
    ['query ($of: String) { text(of: $of) }', {}],
    ['query ($of: String = "y") { text(of: $of) }', {}],
    ['query ($of: String!) { text(of: $of) }', {}],
    ['query ($of: String!) { text(of: $of) }', { of: 5 }],
    ['query ($__proto__: String) { text(of: $__proto__) }', JSON.parse('{"__proto__":"x"}')],
    ['{ text(list: 5) }'],
    ['{ __proto__: text constructor: text }'],
    ['{ person { name friend { name } } fails }'],
    ['{ person { failing } other: person { name friend { friend { name } } } }'],
    ['query ($no: Boolean!) { text @skip(if: $no) person @include(if: $no) { name } }', { no: true }],
    ['{ person { ...a ...a } } fragment a on Person { name ... on Person { n: name } }'],
    ['{ __typename person { __typename } __schema { queryType { name } } }'],
    ['mutation { count }'],
  ])('%s %j', async (text, variables) => {
    const [first, second, third] = await thrice(create().prepare(text), variables)
    expect(plain(second)).toEqual(plain(first))
    expect(plain(third)).toEqual(plain(first))
    expect(plain(Object.entries(second?.data ?? {}))).toEqual(plain(Object.entries(first?.data ?? {})))
  })
})

test('text in an operation is never run as code', async () => {
  const magic = ['DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d', 'NAN__57f286b9_4c20_487f_b409_79804ddcb4f8']
  for (const name of magic) {
    const text = `__MAGIC_${name}globalThis.wasRun=true`
    const results = await thrice(create().prepare(`{ text(of: ${JSON.stringify(text)}) }`))
    expect(results.map(result => result.data?.text)).toEqual([text, text, text])
    const byVariable = await thrice(create().prepare('query ($of: String) { text(of: $of) }'), { of: text })
    expect(byVariable.map(result => result.data?.text)).toEqual([text, text, text])
    const byDefault = await thrice(create().prepare(`query ($of: String = ${JSON.stringify(text)}) { text(of: $of) }`))
    expect(byDefault.map(result => result.data?.text)).toEqual([text, text, text])
  }
  expect(globalThis).not.toHaveProperty('wasRun')
})

/** A preparation over `schema`, and how often it parsed. */
function create() {
  const parsed: string[] = []
  const preparation = createPreparation({
    schema,
    parse: text => {
      parsed.push(text)
      return parse(text)
    },
    validate,
  })
  const prepare = (text: string, name?: string | null) => {
    const operation = preparation.prepare(text, name)
    if (!operation || !('execute' in operation)) throw new Error('no operation')
    return operation
  }
  return { parsed, preparation, prepare }
}

/** The results of the first use, which is not compiled, and of the second and third. */
async function thrice(operation: PreparedOperation, variableValues: Record<string, unknown> = {}) {
  const run = () => operation.execute({ contextValue: {}, rootValue: root, variableValues })
  return [await run(), await run(), await run()]
}

function plain(value: unknown) {
  return JSON.parse(JSON.stringify(value))
}
