import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JwtSettings } from '../../src/auth/platform-token.js'
import { expiryOf } from '../../src/auth/session.js'
import { anyText, EXPIRED, HERE, LIMITS, NOT_VALID, startAuth } from '../support/auth.js'
import { createManualClock } from '../support/manual-clock.js'

const SECRET = 'a secret of the platform, of 32 bytes or more'
const ISSUER = 'https://id.example'
const AUDIENCE = 'lipsync'
const NOW = createManualClock().now() / 1_000

const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: 'user-1', exp: NOW + 600, scope: 'read create' }
type SigningKey = Parameters<SignJWT['sign']>[0]
describe('with a shared secret', () => {
  const start = (fields: Partial<JwtSettings> = {}) => startAuth({ jwt: settings({ secret: SECRET }, fields) })

  test('a token names the caller, its scopes and its expiry', async () => {
    const { auth } = start()
    expect(await auth.authenticate(await sign(CLAIMS), HERE)).toEqual({
      caller: { id: 'user-1', scopes: new Set(['read', 'create']), limits: LIMITS, restriction: null },
      kind: 'platform-token',
      expiresAt: (NOW + 605) * 1_000,
    })
  })

  test.each([
    ['read', ['read']],
    ['openid read profile admin', ['read', 'admin']],
    [['create', 'other', 7], ['create']],
    ['reader', []],
    ['', []],
    [undefined, []],
    [{ read: true }, []],
  ])('scopes %j are %j', async (scope, scopes) => {
    const { auth } = start()
    const { caller } = await auth.authenticate(await sign({ ...CLAIMS, scope }), HERE)
    expect([...caller.scopes]).toEqual(scopes)
  })

  test('reads the caller and the scopes from other claims', async () => {
    const { auth } = start({ callerClaim: 'https://id.example/tenant', scopeClaim: 'roles' })
    const claims = { ...CLAIMS, 'https://id.example/tenant': 'acme', roles: ['admin'] }
    expect((await auth.authenticate(await sign(claims), HERE)).caller).toMatchObject({
      id: 'acme',
      scopes: new Set(['admin']),
    })
  })

  test('one audience of several is enough', async () => {
    const { auth } = start()
    const session = await auth.authenticate(await sign({ ...CLAIMS, aud: ['other', AUDIENCE] }), HERE)
    expect(session.caller.id).toBe('user-1')
  })

  test.each<[string, JWTPayload]>([
    ['another issuer', { ...CLAIMS, iss: 'https://evil.example' }],
    ['another audience', { ...CLAIMS, aud: 'other' }],
    ['no issuer', { ...CLAIMS, iss: undefined }],
    ['no audience', { ...CLAIMS, aud: undefined }],
    ['no expiry', { ...CLAIMS, exp: undefined }],
    ['a later beginning', { ...CLAIMS, nbf: NOW + 6 }],
    ['no caller', { ...CLAIMS, sub: undefined }],
    ['an empty caller', { ...CLAIMS, sub: '' }],
    ['a caller with blanks', { ...CLAIMS, sub: 'user 1' }],
    ['the caller of an open gateway', { ...CLAIMS, sub: 'open' }],
  ])('a token with %s is not valid', async (_, claims) => {
    const { refusal } = start()
    expect(await refusal(await sign(claims))).toEqual(NOT_VALID)
  })

  test('an inherited property is not a claim', async () => {
    const { refusal } = start({ callerClaim: 'constructor' })
    expect(await refusal(await sign(CLAIMS))).toEqual(NOT_VALID)
  })

  test('a token expires by the clock, which may be 5 s off', async () => {
    const { auth, clock, refusal } = start()
    const token = await sign(CLAIMS)
    const expiresAt = expiryOf(await auth.authenticate(token, HERE))
    await clock.advance(604_999)
    await auth.authenticate(token, HERE)
    await clock.advance(1)
    expect(clock.now()).toBe(expiresAt)
    expect(await refusal(token)).toEqual(EXPIRED)
    expect(await refusal(await sign({ ...CLAIMS, exp: NOW + 609, nbf: NOW + 610 }))).toBeNull()
  })

  test('rejects another secret, another algorithm and no algorithm', async () => {
    const { refusal, lines } = start()
    const { privateKey } = await generateKeyPair('RS256')
    expect(await refusal(await sign(CLAIMS, bytes(SECRET.toUpperCase())))).toEqual(NOT_VALID)
    expect(await refusal(await sign(CLAIMS, bytes(SECRET.repeat(2)), { alg: 'HS512' }))).toEqual(NOT_VALID)
    expect(await refusal(await sign(CLAIMS, privateKey, { alg: 'RS256' }))).toEqual(NOT_VALID)
    expect(await refusal(new UnsecuredJWT(CLAIMS).encode())).toEqual(NOT_VALID)
    expect(lines.map(({ reason }) => reason)).toEqual([
      'signature verification failed',
      ...Array(3).fill('"alg" (Algorithm) Header Parameter value not allowed'),
    ])
  })

  test('rejects arbitrary input without an unexpected error', async () => {
    const { refusal, clock, lines } = start()
    const token = await sign(CLAIMS)
    // What is signed; in the signature itself some bits mean nothing.
    const changed = fc
      .tuple(fc.nat(token.lastIndexOf('.') - 1), fc.string({ minLength: 1, maxLength: 3 }))
      .map(([at, text]) => token.slice(0, at) + text + token.slice(at + text.length))
      .filter(text => text !== token)
    const pieces = fc.array(
      fc.base64String().map(text => text.replaceAll('=', '')),
      { minLength: 1, maxLength: 5 },
    )
    const garbage = fc.oneof(
      anyText(),
      pieces.map(all => all.join('.')),
      changed,
    )
    await fc.assert(
      fc.asyncProperty(garbage, async text => {
        await clock.advance(60_000 / 10)
        expect(await refusal(text)).toEqual(NOT_VALID)
      }),
      { numRuns: 90 },
    )
    expect(JSON.stringify(lines)).not.toContain(token)
  })
})

describe('with published keys', () => {
  let keys: Awaited<ReturnType<typeof generateKeyPair>>[]
  beforeAll(async () => {
    keys = await Promise.all(['RS256', 'ES256', 'RS256'].map(alg => generateKeyPair(alg, { extractable: true })))
  })
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  /** An issuer that publishes the first two keys, or sends the given response. */
  const startIssuer = async () => {
    const issuer = { status: 200, requests: 0, url: '' }
    const published = await Promise.all(
      ['rsa', 'ec'].map(async (kid, index) => ({
        ...(await exportJWK(keys[index]!.publicKey)),
        kid,
        alg: ['RS256', 'ES256'][index],
      })),
    )
    const server = createServer((_, res) => {
      issuer.requests++
      res.writeHead(issuer.status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: published }))
    }).listen(0, '127.0.0.1')
    closing.push(() => server.close())
    await once(server, 'listening')
    issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
    return issuer
  }
  const start = (issuer: { url: string }) => startAuth({ jwt: settings({ jwksUrl: issuer.url }) })

  test('accepts tokens of each key, and fetches the keys once', async () => {
    const issuer = await startIssuer()
    const { auth } = start(issuer)
    expect(issuer.requests).toBe(0)
    const tokens = [
      await sign(CLAIMS, keys[0]!.privateKey, { alg: 'RS256', kid: 'rsa' }),
      await sign(CLAIMS, keys[1]!.privateKey, { alg: 'ES256', kid: 'ec' }),
    ]
    for (const token of [...tokens, ...tokens]) expect((await auth.authenticate(token, HERE)).caller.id).toBe('user-1')
    expect(issuer.requests).toBe(1)
  })

  test('rejects tokens that are signed with the public key as a secret', async () => {
    const issuer = await startIssuer()
    const { refusal } = start(issuer)
    const publicText = await exportSPKI(keys[0]!.publicKey)
    for (const alg of ['HS256', 'HS384', 'HS512'])
      expect(await refusal(await sign(CLAIMS, bytes(publicText), { alg, kid: 'rsa' }))).toEqual(NOT_VALID)
    expect(await refusal(new UnsecuredJWT(CLAIMS).encode())).toEqual(NOT_VALID)
    expect(issuer.requests).toBe(0)
  })

  test('rejects an unpublished key under any key id', async () => {
    const { refusal } = start(await startIssuer())
    for (const kid of ['rsa', 'unknown'])
      expect(await refusal(await sign(CLAIMS, keys[2]!.privateKey, { alg: 'RS256', kid }))).toEqual(NOT_VALID)
  })

  test('reports an expired token as such, and a wrong claim as invalid', async () => {
    const { refusal } = start(await startIssuer())
    const signed = (claims: JWTPayload) => sign(claims, keys[0]!.privateKey, { alg: 'RS256', kid: 'rsa' })
    expect(await refusal(await signed({ ...CLAIMS, exp: NOW - 5 }))).toEqual(EXPIRED)
    expect(await refusal(await signed({ ...CLAIMS, exp: NOW - 5, aud: 'other' }))).toEqual(NOT_VALID)
  })

  test('an unreachable issuer is an unexpected error, not an invalid credential', async () => {
    const issuer = await startIssuer()
    issuer.status = 503
    const { auth } = start(issuer)
    const token = await sign(CLAIMS, keys[0]!.privateKey, { alg: 'RS256', kid: 'rsa' })
    for (let attempt = 0; attempt < 12; attempt++)
      await expect(auth.authenticate(token, HERE)).rejects.toThrow(
        /^The keys of the token issuer cannot be fetched: Expected 200 OK/,
      )
    issuer.status = 200
    expect((await auth.authenticate(token, HERE)).caller.id).toBe('user-1')
  })
})

function settings(key: JwtSettings['key'], fields: Partial<JwtSettings> = {}): JwtSettings {
  return {
    key,
    issuer: ISSUER,
    audience: AUDIENCE,
    callerClaim: 'sub',
    scopeClaim: 'scope',
    ...fields,
  }
}

function bytes(text: string) {
  return new TextEncoder().encode(text)
}

function sign(
  claims: JWTPayload,
  key: SigningKey = bytes(SECRET),
  header: { alg: string; kid?: string } = { alg: 'HS256' },
) {
  return new SignJWT(claims).setProtectedHeader(header).sign(key)
}
