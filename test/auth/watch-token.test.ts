import fc from 'fast-check'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import type { Session } from '../../src/auth/session.js'
import { OPEN_CALLER } from '../../src/tasks/caller.js'
import { EXPIRED, HERE, LIMITS, NOT_VALID, startAuth } from '../support/auth.js'

const SECRET = 'a secret of the platform, of 32 bytes or more'
const JWT = { key: { secret: SECRET }, issuer: 'i', audience: 'a', callerClaim: 'sub', scopeClaim: 'scope' }
const ONLY = { taskIds: ['t1', 't2'] }
test('a token shows its tasks for the requested time, and allows nothing else', async () => {
  const { auth, session, key, clock } = await startWithKey({ limits: { sockets: 3, createsPerMinute: 9 } })
  const { token, expiresAt } = await auth.mintWatchToken(session, ONLY, 60)
  expect(expiresAt).toBe(clock.now() + 60_000)
  expect(await auth.authenticate(token, HERE)).toEqual({
    caller: {
      id: 'acme',
      scopes: new Set(['read']),
      limits: { ...LIMITS, sockets: 3, createsPerMinute: 0, waitingTasks: 0, monthlyCredits: 0, uploadBytes: 0 },
      restriction: ONLY,
    },
    kind: 'watch-token',
    minter: { kind: 'api-key', keyId: key.id },
    expiresAt,
  })
})

test('a token may be for a reference', async () => {
  const { auth, session } = await startWithKey()
  const { token } = await auth.mintWatchToken(session, { reference: 'order 7' }, 86_400)
  expect((await auth.authenticate(token, HERE)).caller.restriction).toEqual({ reference: 'order 7' })
})

test('a token carries any valid restriction unchanged', async () => {
  const { auth, session } = await startWithKey()
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  const only = fc.oneof(
    fc.record({ taskIds: fc.array(text, { minLength: 1, maxLength: 100 }) }, { noNullPrototype: true }),
    fc.record({ reference: text }, { noNullPrototype: true }),
  )
  await fc.assert(
    fc.asyncProperty(only, fc.integer({ min: 1, max: 86_400 }), async (some, seconds) => {
      const { token, expiresAt } = await auth.mintWatchToken(session, some, seconds)
      expect(await auth.authenticate(token, HERE)).toMatchObject({ caller: { restriction: some }, expiresAt })
    }),
    { numRuns: 50 },
  )
})

test('a token of a hundred tasks still fits a header', async () => {
  const { auth, session } = await startWithKey()
  const taskIds = Array.from({ length: 100 }, () => crypto.randomUUID())
  const { token } = await auth.mintWatchToken(session, { taskIds }, 60)
  expect(token.length).toBeLessThan(8_000)
  expect((await auth.authenticate(token, HERE)).caller.restriction).toEqual({ taskIds })
})

test('rejects an invalid request and names the field', async () => {
  const { auth, session } = await startWithKey()
  const mint = (only: Parameters<typeof auth.mintWatchToken>[1], seconds: number) =>
    auth.mintWatchToken(session, only, seconds)
  for (const seconds of [0, -1, 1.5, 86_401, Number.NaN, Number.POSITIVE_INFINITY])
    await expect(mint(ONLY, seconds)).rejects.toEqual(wrongField('ttlSeconds'))
  for (const taskIds of [[], Array(101).fill('t')])
    await expect(mint({ taskIds }, 60)).rejects.toEqual(wrongField('taskIds'))
  for (const reference of ['', 'r'.repeat(201)])
    await expect(mint({ reference }, 60)).rejects.toEqual(wrongField('reference'))
})

test('a watch token cannot mint another', async () => {
  const { auth, session } = await startWithKey()
  const { token } = await auth.mintWatchToken(session, ONLY, 60)
  const watching = await auth.authenticate(token, HERE)
  await expect(auth.mintWatchToken(watching, ONLY, 60)).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a token expires at its second', async () => {
  const { auth, session, clock, refusal } = await startWithKey()
  const { token } = await auth.mintWatchToken(session, ONLY, 60)
  await clock.advance(59_999)
  await auth.authenticate(token, HERE)
  await clock.advance(1)
  expect(await refusal(token)).toEqual(EXPIRED)
})

test('a token ends with the key that minted it', async () => {
  const { auth, session, key, keys, clock, refusal, lines } = await startWithKey()
  const { token } = await auth.mintWatchToken(session, ONLY, 600)
  const watching = await auth.authenticate(token, HERE)
  expect(await auth.isRevoked(watching)).toBe(false)
  await keys.revoke(key.id, clock.now())
  expect(await auth.isRevoked(watching)).toBe(true)
  expect(await refusal(token)).toEqual(NOT_VALID)
  expect(lines.at(-1)).toMatchObject({ reason: 'the key was revoked', keyId: key.id })
})

test('a token does not outlive its key', async () => {
  const { auth, session, clock, refusal } = await startWithKey({ expiresAt: Date.UTC(2025, 0, 1, 0, 0, 30, 500) })
  const { token, expiresAt } = await auth.mintWatchToken(session, ONLY, 600)
  expect(expiresAt).toBe(Date.UTC(2025, 0, 1, 0, 0, 30))
  await clock.advance(30_000)
  expect(await refusal(token)).toEqual(EXPIRED)
})

test("a token outlives the short-lived token of the platform's issuer that minted it", async () => {
  const { auth, clock } = startAuth({ jwt: JWT })
  const platform: Session = {
    caller: { id: 'user-1', scopes: new Set(['read']), limits: LIMITS, restriction: null },
    kind: 'platform-token',
    expiresAt: clock.now() + 5_000,
  }
  const { token } = await auth.mintWatchToken(platform, ONLY, 60)
  await clock.advance(30_000)
  const watching = await auth.authenticate(token, HERE)
  expect(watching).toMatchObject({
    caller: { id: 'user-1', limits: { sockets: 50, createsPerMinute: 0 } },
    minter: { kind: 'platform-token' },
  })
  expect(await auth.isRevoked(watching)).toBe(false)
})

test('a token of an open gateway ends when the gateway closes', async () => {
  const { auth, clock, createKey, refusal } = startAuth()
  const { token } = await auth.mintWatchToken(await auth.authenticate(null, HERE), ONLY, 600)
  const watching = await auth.authenticate(token, HERE)
  expect(watching.caller).toMatchObject({
    id: OPEN_CALLER.id,
    restriction: ONLY,
    limits: { sockets: null, createsPerMinute: 0 },
  })
  await createKey()
  await clock.advance(1_000)
  expect(await auth.isRevoked(watching)).toBe(true)
  expect(await refusal(token)).toEqual(NOT_VALID)
})

test('gateways on the same database accept the same tokens, and others do not', async () => {
  const { auth, session, keys } = await startWithKey()
  const { token } = await auth.mintWatchToken(session, ONLY, 60)
  expect((await startAuth({ keys }).auth.authenticate(token, HERE)).caller.id).toBe('acme')
  expect(await startAuth().refusal(token)).toEqual(NOT_VALID)
})

test('never accepts a token as one of another kind, even when it is signed with a known secret', async () => {
  const { auth, keys, createKey, refusal } = startAuth({ jwt: JWT })
  const session = await auth.authenticate((await createKey()).text, HERE)
  const { token } = await auth.mintWatchToken(session, ONLY, 60)
  const [claims, header] = [decodeJwt(token), decodeProtectedHeader(token)]
  const sign = (fields: object, typ: string | undefined, secret: Uint8Array) =>
    new SignJWT({ ...claims, ...fields }).setProtectedHeader({ alg: 'HS256', ...(typ && { typ }) }).sign(secret)
  const platforms = new TextEncoder().encode(SECRET)
  const own = Buffer.from(await keys.secret('watch-tokens'), 'base64url')

  // The platform's issuer signs a watch token, and its own claims under the type of one.
  expect(await refusal(await sign({}, header.typ, platforms))).toEqual(NOT_VALID)
  expect(await refusal(await sign({ iss: 'i', aud: 'a' }, header.typ, platforms))).toEqual(NOT_VALID)
  // The gateway's own secret signs the claims of the platform, and a watch token of another type.
  expect(await refusal(await sign({ iss: 'i', aud: 'a', scope: 'admin' }, undefined, own))).toEqual(NOT_VALID)
  expect(await refusal(await sign({ iss: 'i' }, header.typ, own))).toEqual(NOT_VALID)
  expect(await refusal(await sign({ aud: 'a' }, header.typ, own))).toEqual(NOT_VALID)
  expect(await refusal(await sign({}, 'JWT', own))).toEqual(NOT_VALID)
  // Shows that the tokens above were rejected for their kind.
  expect((await auth.authenticate(await sign({}, header.typ, own), HERE)).caller.restriction).toEqual(ONLY)
  expect(
    (await auth.authenticate(await sign({ iss: 'i', aud: 'a' }, 'JWT', platforms), HERE)).caller.restriction,
  ).toBeNull()
})

function wrongField(field: string) {
  return expect.objectContaining({ code: 'BAD_USER_INPUT', details: { field } })
}

/** A gateway with a key whose owner is logged in. */
async function startWithKey(fields: Parameters<ReturnType<typeof startAuth>['createKey']>[0] = {}) {
  const parts = startAuth()
  const key = await parts.createKey(fields)
  return { ...parts, key, session: await parts.auth.authenticate(key.text, HERE) }
}
