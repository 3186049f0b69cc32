import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { NewApiKey } from '../../src/auth/ports.js'
import { createKeyStore } from '../../src/store/keys.js'
import type { SqliteConnection } from '../../src/store/sqlite/connection.js'
import { openDatabase } from '../../src/store/sqlite/database.js'

const folder = mkdtempSync(join(tmpdir(), 'keys-'))
const opened: SqliteConnection[] = []
afterEach(() => {
  for (const { sqlite } of opened.splice(0)) sqlite.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function open(url: string, onQuery?: (sql: string) => void) {
  const database = openDatabase(url, '.', onQuery)
  opened.push(database)
  return createKeyStore(database)
}
/** Two connections to the same database, as two processes have them. */
function openTwice() {
  const url = `file:${join(folder, `${files++}.db`)}`
  return { url, one: open(url), other: open(url) }
}

function key(fields: Partial<NewApiKey> = {}): NewApiKey {
  return {
    id: 'k1',
    caller: 'acme',
    hash: 'h',
    scopes: ['read', 'create'],
    limits: { createsPerMinute: 5, monthlyCredits: null },
    createdAt: 1_000,
    expiresAt: 9_000,
    ...fields,
  }
}
const FRESH = { revokedAt: null, lastUsedAt: null }

describe('keys', () => {
  test('a second connection reads what the first one wrote', async () => {
    const { one, other } = openTwice()
    expect(await other.get('k1')).toBeNull()
    await one.create(key())
    expect(await other.get('k1')).toEqual({ ...key(), ...FRESH })
  })

  test('an id is used once', async () => {
    const { one, other } = openTwice()
    await one.create(key())
    await expect(other.create(key({ caller: 'other' }))).rejects.toThrow()
    expect((await one.get('k1'))?.caller).toBe('acme')
  })

  test('the list has all keys of all callers, the oldest first, revoked ones too', async () => {
    const { one, other } = openTwice()
    await one.create(key({ id: 'k2', createdAt: 2_000 }))
    await one.create(key({ id: 'k1', createdAt: 1_000 }))
    await one.create(key({ id: 'k3', createdAt: 2_000, caller: 'other', expiresAt: null }))
    await one.revoke('k2', 5_000)
    expect((await other.list()).map(({ id, revokedAt }) => [id, revokedAt])).toEqual([
      ['k1', null],
      ['k2', 5_000],
      ['k3', null],
    ])
  })

  test('a key is revoked once, and no other with it', async () => {
    const { one, other } = openTwice()
    await one.create(key())
    await one.create(key({ id: 'k2' }))
    expect(await other.revoke('k1', 5_000)).toMatchObject({ id: 'k1', revokedAt: 5_000 })
    expect(await one.revoke('k1', 6_000)).toMatchObject({ revokedAt: 5_000 })
    expect(await one.revoke('k0', 6_000)).toBeNull()
    expect((await one.get('k2'))?.revokedAt).toBeNull()
  })

  test('writes the last use once a minute, over all processes', async () => {
    const { one, other, url } = openTwice()
    const queries: string[] = []
    const third = open(url, sql => queries.push(sql))
    await one.create(key())
    await one.touch('k1', 100_000)
    await other.touch('k1', 159_999)
    expect((await one.get('k1'))?.lastUsedAt).toBe(100_000)
    queries.length = 0
    await third.touch('k1', 159_999)
    expect(queries.filter(sql => /^(insert|update)/i.test(sql))).toEqual([])
    await other.touch('k1', 160_000)
    expect((await one.get('k1'))?.lastUsedAt).toBe(160_000)
    await one.touch('k0', 160_000)
  })

  test('remembers that a key existed', async () => {
    const { one, other } = openTwice()
    expect(await other.everCreated()).toBe(false)
    await one.create(key())
    await one.revoke('k1', 2_000)
    expect(await other.everCreated()).toBe(true)
  })
})

describe("the gateway's own secrets", () => {
  test('creates a secret for each name at the first call and keeps it', async () => {
    const { one, other } = openTwice()
    const secret = await one.secret('a')
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(await other.secret('a')).toBe(secret)
    expect(await one.secret('a')).toBe(secret)
    expect(await one.secret('b')).not.toBe(secret)
  })

  test('two processes that create a secret at the same time get the same one', async () => {
    const { one, url } = openTwice()
    const made: Promise<string>[] = []
    // The other process creates it between our read and our write.
    const late = open(url, sql => {
      if (/^insert into "secrets"/i.test(sql)) made.push(one.secret('a'))
    })
    const secret = await late.secret('a')
    expect(made).toHaveLength(1)
    expect(secret).toBe(await made[0])
  })
})
