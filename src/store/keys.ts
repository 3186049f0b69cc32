import { randomBytes } from 'node:crypto'
import { and, asc, eq, isNull, lte, or, sql } from 'drizzle-orm'
import { type ApiKey, type KeyStore, type NewApiKey, TOUCH_EVERY_MS } from '../auth/ports.js'
import { type Connection, NO_LOCKS } from './connection.js'
import type { Work } from './statement.js'

/** The API keys of callers, and the gateway's own secrets. */
export function createKeyStore(connection: Connection): KeyStore {
  const { db, tables, prepare, read, write, writeUnsynced } = connection
  const { apiKeys, secrets } = tables
  const { placeholder } = sql
  const isKey = eq(apiKeys.id, placeholder('id'))
  // Read first: even an update that changes nothing needs the write lock.
  const isStale = and(isKey, or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, placeholder('staleAt'))))
  const insert = prepare(
    db.insert(apiKeys).values({
      id: placeholder('id'),
      caller: placeholder('caller'),
      hash: placeholder('hash'),
      scopes: placeholder('scopes'),
      limits: placeholder('limits'),
      createdAt: placeholder('createdAt'),
      expiresAt: placeholder('expiresAt'),
    }),
  )
  const all = prepare(db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt), asc(apiKeys.id)))
  const byId = prepare(db.select().from(apiKeys).where(isKey))
  const any = prepare(db.select({ id: apiKeys.id }).from(apiKeys).limit(1))
  const revokeValid = prepare(
    db
      .update(apiKeys)
      .set({ revokedAt: sql`${placeholder('at')}` })
      .where(and(isKey, isNull(apiKeys.revokedAt))),
  )
  const stale = prepare(db.select({ id: apiKeys.id }).from(apiKeys).where(isStale))
  const touchStale = prepare(
    db
      .update(apiKeys)
      .set({ lastUsedAt: sql`${placeholder('at')}` })
      .where(isStale),
  )
  const secretNamed = prepare(
    db
      .select({ value: secrets.value })
      .from(secrets)
      .where(eq(secrets.name, placeholder('name'))),
  )
  const insertSecret = prepare(
    db
      .insert(secrets)
      .values({ name: placeholder('name'), value: placeholder('value') })
      .onConflictDoNothing(),
  )

  function* find(id: string): Work<ApiKey | null> {
    return (yield* byId.get({ id })) ?? null
  }

  function* create({ id, caller, hash, scopes, limits, createdAt, expiresAt }: NewApiKey): Work<void> {
    yield* insert.run({ id, caller, hash, scopes, limits, createdAt, expiresAt })
    yield* connection.announceKeys()
  }

  function* revoke(id: string, at: number): Work<ApiKey | null> {
    yield* revokeValid.run({ id, at })
    yield* connection.announceKeys()
    return yield* find(id)
  }

  /** Of several processes that make a secret at the same time, the first wins and all read the same. */
  function* makeSecret(name: string): Work<string> {
    yield* insertSecret.run({ name, value: randomBytes(32).toString('base64url') })
    return (yield* secretNamed.get({ name }))!.value
  }

  return {
    create: key => write(NO_LOCKS, () => create(key)),

    list: () => read(() => all.all()),

    get: id => read(() => find(id)),

    revoke: (id, at) => write(NO_LOCKS, () => revoke(id, at)),

    async touch(id, at) {
      const staleAt = at - TOUCH_EVERY_MS
      if (!(await read(() => stale.get({ id, staleAt })))) return
      await writeUnsynced(NO_LOCKS, () => touchStale.run({ id, at, staleAt }))
    },

    everCreated: async () => (await read(() => any.get())) !== undefined,

    async secret(name) {
      const known = await read(() => secretNamed.get({ name }))
      return known?.value ?? write(NO_LOCKS, () => makeSecret(name))
    },
  }
}
