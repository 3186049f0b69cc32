import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { eq, lt, sql } from 'drizzle-orm'
import type { GatewayNode } from '../tasks/task-store.js'
import { type Connection, NO_LOCKS } from './connection.js'
import type { Work } from './statement.js'

/** How long a node without a sign of life stays listed: so long that a person sees what is missing. */
const FORGET_MS = 24 * 3_600_000

/** This process among the gateways that are open on the database. */
export function createNodes({ db, tables, prepare, read, writeUnsynced }: Connection, startedAt: number) {
  const { nodes } = tables
  const { placeholder } = sql
  const self = { id: randomUUID(), host: hostname(), pid: process.pid, version: readVersion(), startedAt }
  const save = prepare(
    db
      .insert(nodes)
      .values({
        id: placeholder('id'),
        host: placeholder('host'),
        pid: placeholder('pid'),
        version: placeholder('version'),
        startedAt: placeholder('startedAt'),
        seenMono: placeholder('seenMono'),
      })
      .onConflictDoUpdate({ target: nodes.id, set: { seenMono: sql`excluded.seen_mono` } }),
  )
  const forget = prepare(db.delete(nodes).where(lt(nodes.seenMono, placeholder('before'))))
  const remove = prepare(db.delete(nodes).where(eq(nodes.id, placeholder('id'))))
  const all = prepare(db.select().from(nodes))

  function* beat(seenMono: number): Work<void> {
    yield* save.run({ ...self, seenMono })
  }

  return {
    id: self.id,
    /** A sign of life, within a transaction. */
    beat,
    /** Forgets the nodes that were last seen before this time, within a transaction. */
    *forgetBefore(mono: number): Work<void> {
      yield* forget.run({ before: mono })
    },
    *forgetLost(nowMono: number): Work<void> {
      yield* forget.run({ before: nowMono - FORGET_MS })
    },
    leave: (): Promise<void> => writeUnsynced(NO_LOCKS, () => remove.run({ id: self.id })),
    async list(): Promise<GatewayNode[]> {
      const listed = await read(() => all.all())
      return listed.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
    },
  }
}

/** A program that bundles the gateway leaves its package.json behind. */
function readVersion(): string {
  try {
    return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
