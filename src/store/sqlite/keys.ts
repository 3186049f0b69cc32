import { randomBytes } from 'node:crypto'
import { and, asc, eq, isNull, lte, or, sql } from 'drizzle-orm'
import { type KeyStore, TOUCH_EVERY_MS } from '../../auth/ports.js'
import type { Connection } from './connection.js'
import { apiKeys, secrets } from './tables.js'

/** The API keys of callers, and the gateway's own secrets. */
export function createKeyStore({ db, read, write }: Connection): KeyStore {
  // Each request reads these.
  const byId = db
    .select()
    .from(apiKeys)
    .where(eq(apiKeys.id, sql.placeholder('id')))
    .prepare()
  const any = db.select({ id: apiKeys.id }).from(apiKeys).limit(1).prepare()
  const find = (id: string) => byId.get({ id }) ?? null
  const findSecret = (name: string) => db.select().from(secrets).where(eq(secrets.name, name)).get()?.value

  return {
    create: key => write(() => void db.insert(apiKeys).values(key).run()),

    list: () => read(() => db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt), asc(apiKeys.id)).all()),

    get: id => read(() => find(id)),

    revoke: (id, at) =>
      write(() => {
        const isValid = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt))
        db.update(apiKeys).set({ revokedAt: at }).where(isValid).run()
        return find(id)
      }),

    async touch(id, at) {
      // Read first: even an update that changes nothing needs the write lock.
      const key = await read(() => find(id))
      if (!key || (key.lastUsedAt !== null && key.lastUsedAt > at - TOUCH_EVERY_MS)) return
      const isStale = or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, at - TOUCH_EVERY_MS))
      const stale = and(eq(apiKeys.id, id), isStale)
      await write(() => void db.update(apiKeys).set({ lastUsedAt: at }).where(stale).run())
    },

    everCreated: () => read(() => any.get() !== undefined),

    async secret(name) {
      const known = await read(() => findSecret(name))
      if (known) return known
      // Of several processes that make one at the same time, the first wins and all read the same.
      return write(() => {
        const value = randomBytes(32).toString('base64url')
        db.insert(secrets).values({ name, value }).onConflictDoNothing().run()
        return findSecret(name)!
      })
    },
  }
}
