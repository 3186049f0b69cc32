import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSchema, parse, validate } from 'graphql'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const pages = [
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'src/README.md'],
  ...namesIn('docs', /\.md$/),
  ...namesIn('examples', /\.md$/),
]
const schema = buildSchema(read('schema.graphql'))

const sources = [...pages, ...namesIn('examples', /\.html$/)]
const operations = sources.flatMap(file => operationsIn(read(file)).map(operation => [file, operation] as const))

test('the docs and the examples contain operations', () => {
  expect(new Set(operations.map(([file]) => file))).toEqual(
    new Set([
      'README.md',
      'docs/api.md',
      'docs/uploads.md',
      'docs/callers.md',
      'examples/browser-sse.html',
      'examples/browser-ws.html',
    ]),
  )
})

test.each(operations)('an operation in %s matches the schema: %s', (_file, operation) => {
  expect(validate(schema, parse(operation))).toEqual([])
})

test.each(pages)('the links of %s lead to files', page => {
  const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link)
  expect(links.filter(link => !existsSync(join(ROOT, dirname(page), link)))).toEqual([])
})

test('the README fits on a screen or two', () => {
  expect(Buffer.byteLength(read('README.md'))).toBeLessThan(8_192)
})

function read(file: string) {
  return readFileSync(join(ROOT, file), 'utf8')
}

function namesIn(folder: string, ending: RegExp) {
  return readdirSync(join(ROOT, folder)).flatMap(name => (ending.test(name) ? [join(folder, name)] : []))
}

/** The operations of a page: its ```graphql blocks, and those quoted in its code. */
function operationsIn(text: string): string[] {
  return [
    ...[...text.matchAll(/```graphql\n(.+?)```/gs)].map(([, block = '']) => block),
    ...[...text.matchAll(/[`'"]((?:query|mutation|subscription|\{ viewer)\b[^`'"]*\{[^`'"]*\})\s*[`'"]/gs)].map(
      ([, operation = '']) => operation,
    ),
  ]
}
