import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { createDocumentCaches } from '../../src/http/document-cache.js'

test('ordinary operations are cached', () => {
  const { documentCache } = createDocumentCaches()
  const texts = Array.from({ length: 300 }, (_, index) => `query Number${index} { ${'__typename '.repeat(20)} }`)
  for (const text of texts) documentCache.set(text, parse(text))
  expect(texts.filter(text => documentCache.has(text))).toHaveLength(300)
})

test('limits the caches by bytes, for any number of long operations', () => {
  const { documentCache, errorCache } = createDocumentCaches()
  const document = parse('{ __typename }')
  for (let index = 0; index < 2_000; index++) {
    const comment = `# ${index} ${'x'.repeat(90_000)}\n`
    documentCache.set(`${comment}{ __typename }`, document)
    errorCache.set(`${comment}{`, new Error('Syntax Error'))
    documentCache.set(`${comment.slice(0, 8_000)}{ __typename }`, document)
  }
  const held = [...documentCache.keys(), ...errorCache.keys()].reduce((bytes, text) => bytes + text.length * 2, 0)
  expect(held).toBeLessThan(32_000_000)
  expect([...documentCache.keys()].every(text => text.length < 20_000)).toBe(true)
})
