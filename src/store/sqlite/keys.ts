import { randomBytes } from 'node:crypto'
import { and, asc, eq, isNull, lte, or } from 'drizzle-orm'
import { type KeyStore, TOUCH_EVERY_MS } from '../../auth/ports.js'
import type { Connection } from './connection.js'
import { apiKeys, secrets } from './tables.js'

/** The keys of callers and the gateway's own secrets, in SQLite. */
export const createKeyStore = ({ db }: Pick<Connection, 'db'>): KeyStore => {
  const find = (id: string) => db.select().from(apiKeys).where(eq(apiKeys.id, id)).get() ?? null
  const findSecret = (name: string) => db.select().from(secrets).where(eq(secrets.name, name)).get()?.value

  return {
    async create(key) {
      db.insert(apiKeys).values(key).run()
    },

    async list() {
      return db.select().from(apiKeys).orderBy(asc(apiKeys.createdAt), asc(apiKeys.id)).all()
    },

    async get(id) {
      return find(id)
    },

    async revoke(id, at) {
      db.update(apiKeys)
        .set({ revokedAt: at })
        .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
        .run()
      return find(id)
    },

    async touch(id, at) {
      // Read first: even an update that changes nothing waits for whoever is writing.
      const isStale = or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, at - TOUCH_EVERY_MS))
      const stale = and(eq(apiKeys.id, id), isStale)
      if (!db.select({ id: apiKeys.id }).from(apiKeys).where(stale).get()) return
      db.update(apiKeys).set({ lastUsedAt: at }).where(stale).run()
    },

    async everCreated() {
      return db.select({ id: apiKeys.id }).from(apiKeys).limit(1).get() !== undefined
    },

    async secret(name) {
      const known = findSecret(name)
      if (known) return known
      // Of several processes that make one at the same time, the first wins and all read the same.
      db.insert(secrets)
        .values({ name, value: randomBytes(32).toString('base64url') })
        .onConflictDoNothing()
        .run()
      return findSecret(name)!
    },
  }
}
