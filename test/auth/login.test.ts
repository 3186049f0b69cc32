import { describe, expect, test } from 'vitest'
import type { Client } from '../../src/auth/anonymous-access.js'
import { createApiKey } from '../../src/auth/api-key.js'
import { OPEN_CALLER } from '../../src/tasks/caller.js'
import { EXPIRED, from, HERE, LIMITS, NOT_VALID, startAuth } from '../support/auth.js'

const NEEDED = { code: 'UNAUTHENTICATED', message: 'This gateway requires a credential.' }

describe('API keys', () => {
  test('a key identifies the caller, its scopes and its limits', async () => {
    const { auth, createKey, clock } = startAuth()
    const expiresAt = clock.now() + 1_000
    const key = await createKey({ scopes: ['read', 'admin'], limits: { sockets: 2, subscriptions: null }, expiresAt })
    expect(await auth.authenticate(key.text, HERE)).toEqual({
      caller: {
        id: 'acme',
        scopes: new Set(['read', 'admin']),
        limits: { ...LIMITS, sockets: 2, subscriptions: null },
        restriction: null,
      },
      kind: 'api-key',
      expiresAt,
      keyId: key.id,
    })
  })

  test('rejects a key once it is revoked, and ends its sessions', async () => {
    const { auth, createKey, keys, clock, refusal } = startAuth()
    const key = await createKey()
    const session = await auth.authenticate(key.text, HERE)
    expect(await auth.isRevoked(session)).toBe(false)
    await keys.revoke(key.id, clock.now())
    expect(await auth.isRevoked(session)).toBe(true)
    expect(await refusal(key.text)).toEqual(NOT_VALID)
  })

  test('a key expires by the clock', async () => {
    const { auth, createKey, clock, refusal } = startAuth()
    const key = await createKey({ expiresAt: clock.now() + 1_000 })
    await clock.advance(999)
    await auth.authenticate(key.text, HERE)
    await clock.advance(1)
    expect(await refusal(key.text)).toEqual(EXPIRED)
  })

  test('one key replaces another without a gap', async () => {
    const { auth, createKey, keys, clock, refusal } = startAuth()
    const old = await createKey()
    const fresh = await createKey()
    const callers = await Promise.all(
      [old, fresh].map(async ({ text }) => (await auth.authenticate(text, HERE)).caller.id),
    )
    expect(callers).toEqual(['acme', 'acme'])
    await keys.revoke(old.id, clock.now())
    expect(await refusal(old.text)).toEqual(NOT_VALID)
    expect((await auth.authenticate(fresh.text, HERE)).caller.id).toBe('acme')
  })

  test('distinguishes a wrong secret, an unknown key and a malformed key in the log only', async () => {
    const { createKey, lines, refusal } = startAuth()
    const key = await createKey()
    const other = createApiKey()
    const wrong = [
      [`lsg_${key.id}_${other.secret}`, 'the secret is wrong', key.id],
      [other.text, 'no such key', other.id],
      [`${key.text}x`, 'not a well-formed key', null],
      ['', 'neither a key nor a watch token, and no token issuer is configured', null],
      ['x'.repeat(20_000), 'too long for a credential', null],
    ] as const
    for (const [credential] of wrong) expect(await refusal(credential)).toEqual(NOT_VALID)
    expect(lines).toMatchObject(
      wrong.map(([, reason, keyId], index) => ({
        msg: 'login rejected',
        from: HERE.address,
        reason,
        keyId,
        failures: index + 1,
      })),
    )
    for (const secret of [key.secret, other.secret]) expect(JSON.stringify(lines)).not.toContain(secret)
  })

  test('records the last use once a minute', async () => {
    const { auth, createKey, keys, clock } = startAuth()
    const key = await createKey()
    const lastUsedAt = async () => (await keys.get(key.id))?.lastUsedAt
    expect(await lastUsedAt()).toBeNull()
    const first = clock.now()
    await auth.authenticate(key.text, HERE)
    await clock.advance(59_999)
    await auth.authenticate(key.text, HERE)
    expect(await lastUsedAt()).toBe(first)
    await clock.advance(1)
    await auth.authenticate(key.text, HERE)
    expect(await lastUsedAt()).toBe(first + 60_000)
  })

  test('a store that cannot be written does not prevent logins', async () => {
    const { keys, createKey } = startAuth()
    const key = await createKey()
    const touch = () => Promise.reject(new Error('the disk is full'))
    const { auth, lines } = startAuth({ keys: { ...keys, touch } })
    expect(await auth.authenticate(key.text, HERE)).toMatchObject({ keyId: key.id })
    expect(lines).toMatchObject([{ msg: 'last use of a key not recorded', keyId: key.id }])
  })
})

describe('without a credential', () => {
  test('a gateway without keys and issuer accepts requests of its own machine', async () => {
    const { auth, refusal } = startAuth()
    for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
      expect(await auth.authenticate(null, from(address))).toEqual({ kind: 'anonymous', caller: OPEN_CALLER })
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', 'localhost.example', ''])
      expect(await refusal(null, from(address))).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('rejects an invalid credential even there', async () => {
    const { refusal } = startAuth()
    for (const credential of ['', 'x', createApiKey().text, 'a.b.c'])
      expect(await refusal(credential)).toEqual(NOT_VALID)
  })

  test('the first key closes the gateway within a second, and ends what was open', async () => {
    const { auth, clock, createKey, keys, refusal } = startAuth()
    const session = await auth.authenticate(null, HERE)
    expect(await auth.isRevoked(session)).toBe(false)
    const key = await createKey()
    await clock.advance(1_000)
    expect(await auth.isRevoked(session)).toBe(true)
    expect(await refusal(null)).toEqual(NEEDED)
    // A revoked key does not open it again.
    await keys.revoke(key.id, clock.now())
    await clock.advance(60_000)
    expect(await refusal(null)).toEqual(NEEDED)
  })

  test('queries the store at intervals, once for concurrent requests', async () => {
    const { keys, createKey } = startAuth()
    await createKey()
    let asked = 0
    const everCreated = async () => {
      asked++
      return keys.everCreated()
    }
    const closed = startAuth({ keys: { ...keys, everCreated } })
    expect(await Promise.all([closed.refusal(null), closed.refusal(null)])).toEqual([NEEDED, NEEDED])
    const before = asked
    await closed.clock.advance(10_000)
    expect(await closed.refusal(null)).toEqual(NEEDED)
    expect(asked).toBe(before)

    asked = 0
    const open = startAuth({ keys: { ...keys, everCreated: async () => ++asked < 0 } })
    for (let login = 0; login < 100; login++) await open.auth.authenticate(null, HERE)
    expect(asked).toBe(1)
  })

  test('a token issuer closes the gateway', async () => {
    const key = { secret: 'a secret of the platform, of 32 bytes or more' }
    const { refusal } = startAuth({ jwt: { key, issuer: 'i', audience: 'a', callerClaim: 'sub', scopeClaim: 'scope' } })
    expect(await refusal(null)).toEqual(NEEDED)
  })

  test('AUTH=open accepts every request, and identifies those with a credential', async () => {
    const { auth, createKey, clock, refusal } = startAuth({ mode: 'open' })
    const key = await createKey()
    await clock.advance(1_000)
    const session = await auth.authenticate(null, from('203.0.113.7'))
    expect(session.caller).toBe(OPEN_CALLER)
    expect(await auth.isRevoked(session)).toBe(false)
    expect((await auth.authenticate(key.text, from('203.0.113.7'))).caller.id).toBe('acme')
    expect(await refusal(createApiKey().text)).toEqual(NOT_VALID)
  })
})

describe('failed logins', () => {
  const fail = async ({ refusal }: Pick<ReturnType<typeof startAuth>, 'refusal'>, times: number, client: Client) => {
    for (let time = 0; time < times; time++) expect(await refusal(createApiKey().text, client)).toEqual(NOT_VALID)
  }
  const slowedFor = (retryAfter: number) => ({
    code: 'RATE_LIMITED',
    message: `Too many failed logins from this address; retry in ${retryAfter} s.`,
    retryAfter,
  })

  test('after ten failures in a minute an address has to wait, except with a valid credential', async () => {
    const parts = startAuth()
    const { auth, createKey, clock, refusal, lines } = parts
    const key = await createKey()
    await fail(parts, 1, from('203.0.113.7'))
    await clock.advance(12_300)
    await fail(parts, 9, from('203.0.113.7'))
    expect(await refusal(createApiKey().text, from('203.0.113.7'))).toEqual(slowedFor(48))
    expect(await auth.authenticate(key.text, from('203.0.113.7'))).toMatchObject({ keyId: key.id })
    expect(lines).toHaveLength(10)
    await clock.advance(47_700)
    expect(await refusal(createApiKey().text, from('203.0.113.7'))).toEqual(NOT_VALID)
  })

  test('successful logins and expired or revoked credentials do not count', async () => {
    const { auth, createKey, keys, clock, refusal } = startAuth()
    const [good, old, gone] = [await createKey(), await createKey({ expiresAt: clock.now() }), await createKey()]
    await keys.revoke(gone.id, clock.now())
    for (let time = 0; time < 20; time++) {
      await auth.authenticate(good.text, HERE)
      expect(await refusal(old.text)).toEqual(EXPIRED)
      expect(await refusal(gone.text)).toEqual(NOT_VALID)
    }
  })

  test('an IPv6 network is one address, and so is IPv4 in either form', async () => {
    const parts = startAuth()
    await fail(parts, 5, from('2001:db8:1:2::1'))
    await fail(parts, 5, from('2001:db8:1:2:ffff::9'))
    expect(await parts.refusal('x', from('2001:db8:1:2:3:4:5:6'))).toEqual(slowedFor(60))
    expect(await parts.refusal('x', from('2001:db8:1:3::1'))).toEqual(NOT_VALID)
    await fail(parts, 5, from('203.0.113.7'))
    await fail(parts, 5, from('::ffff:203.0.113.7'))
    expect(await parts.refusal('x', from('203.0.113.7'))).toEqual(slowedFor(60))
  })
})
