import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createApiKey, hashSecret, isSecretOf, looksLikeApiKey, parseApiKey } from '../../src/auth/api-key.js'
import { isCallerName } from '../../src/auth/caller-name.js'
import { anyText } from '../support/auth.js'

const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
const parts = fc.record({ id: letters(12), secret: letters(43) })
test('a new key parses back into its parts, and no two are alike', () => {
  const keys = Array.from({ length: 200 }, createApiKey)
  for (const { id, secret, text } of keys) {
    expect(text).toMatch(/^lsg_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}$/)
    expect(parseApiKey(text)).toEqual({ id, secret })
  }
  expect(new Set(keys.map(({ id }) => id)).size).toBe(200)
  expect(new Set(keys.map(({ secret }) => secret)).size).toBe(200)
})

test('a secret has at least 256 bits, out of the whole alphabet', () => {
  expect(43 * Math.log2(62)).toBeGreaterThan(256)
  const seen = new Set(Array.from({ length: 100 }, () => createApiKey().secret).join(''))
  expect(seen.size).toBe(62)
})

test('every text of the form is a key', () => {
  fc.assert(fc.property(parts, key => void expect(parseApiKey(textOf(key))).toEqual(key)))
})

test('rejects a key whose form was changed', () => {
  const odd = anyText({ minLength: 1 }).filter(text => !/^[0-9A-Za-z]+$/.test(text))
  fc.assert(
    fc.property(parts, odd, fc.nat(59), (key, inserted, at) => {
      const text = textOf(key)
      expect(parseApiKey(text.slice(0, at) + inserted + text.slice(at))).toBeNull()
      expect(parseApiKey(text.slice(0, at) + text.slice(at + 1))).toBeNull()
      expect(parseApiKey(`${text}\n`)).toBeNull()
      expect(parseApiKey(` ${text}`)).toBeNull()
      expect(parseApiKey(`${text}x`)).toBeNull()
    }),
  )
})

test('the parser never throws, and a parsed key is the whole text', () => {
  const text = fc.oneof(
    anyText(),
    fc.string().map(rest => `lsg_${rest}`),
    parts.map(textOf),
  )
  fc.assert(
    fc.property(text, some => {
      const key = parseApiKey(some)
      if (key) expect(textOf(key)).toBe(some)
      if (key) expect(looksLikeApiKey(some)).toBe(true)
    }),
  )
})

test('a secret matches its own hash only', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      fc.pre(one.secret !== other.secret)
      expect(hashSecret(one.secret)).toMatch(/^[0-9a-f]{64}$/)
      expect(isSecretOf(one.secret, hashSecret(one.secret))).toBe(true)
      expect(isSecretOf(other.secret, hashSecret(one.secret))).toBe(false)
      expect(isSecretOf(one.secret, 'abc')).toBe(false)
    }),
  )
})

test('a caller name is visible and in composed form', () => {
  for (const name of ['acme', 'auth0|5f7c', 'https://idp.example/u/1', 'müller', 'a'.repeat(200)])
    expect(isCallerName(name)).toBe(true)
  for (const name of ['', ' ', 'a b', 'a\n', '\u0000', '\u200b', 'a'.repeat(201), 7, null, undefined, ['a']])
    expect(isCallerName(name)).toBe(false)
  for (const invisible of ['\ufe0f', '\u034f', '\u3164', '\u{e0100}', '\u2800', '\u115f', '\uffa0', '\u180e'])
    for (const name of [invisible, `shop${invisible}`, `${invisible}shop`]) expect(isCallerName(name), name).toBe(false)
  expect([isCallerName('m\u00fcller'), isCallerName('mu\u0308ller')]).toEqual([true, false])
  fc.assert(fc.property(fc.anything(), value => void expect(typeof isCallerName(value)).toBe('boolean')))
})

function letters(length: number) {
  return fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length })
}

function textOf({ id, secret }: { id: string; secret: string }) {
  return `lsg_${id}_${secret}`
}
