import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { AssetStore } from '../tasks/upload-store.js'
import { type Connection, NO_LOCKS } from './connection.js'
import type { Work } from './statement.js'

/** Far longer than the window of a rate limit. */
const KEPT_MS = 3_600_000

/** `AssetStore.upstreamAsset` within a transaction. */
export type CopyOf = (sha256: string, upstream: string) => Work<string | null>
/** `AssetStore.recentAssetCalls` within a transaction. */
export type RecentCalls = (limit: number) => Work<{ readonly endedMono: number }[]>

/** The copies of uploads at upstreams. */
export function createAssets({ db, tables, prepare, read, write }: Connection): AssetStore & {
  readonly copyOf: CopyOf
  readonly recentCalls: RecentCalls
} {
  const { assetCalls, upstreamAssets } = tables
  const { placeholder } = sql
  const urlOf = prepare(
    db
      .select({ url: upstreamAssets.url })
      .from(upstreamAssets)
      .where(
        and(eq(upstreamAssets.sha256, placeholder('sha256')), eq(upstreamAssets.upstream, placeholder('upstream'))),
      ),
  )
  const insertAsset = prepare(
    db
      .insert(upstreamAssets)
      .values({ sha256: placeholder('sha256'), upstream: placeholder('upstream'), url: placeholder('url') })
      .onConflictDoNothing(),
  )
  const forgetCalls = prepare(db.delete(assetCalls).where(lt(assetCalls.endedMono, placeholder('beforeMono'))))
  const insertCall = prepare(
    db
      .insert(assetCalls)
      .values({ begunMono: placeholder('mono'), endedMono: placeholder('mono') })
      .returning({ id: assetCalls.id }),
  )
  const endCall = prepare(
    db
      .update(assetCalls)
      .set({ endedMono: sql`${placeholder('endedMono')}` })
      .where(eq(assetCalls.id, placeholder('id'))),
  )
  const latestCalls = prepare(
    db
      .select({ endedMono: assetCalls.endedMono })
      .from(assetCalls)
      .orderBy(desc(assetCalls.id))
      .limit(placeholder('limit')),
  )

  function* copyOf(sha256: string, upstream: string): Work<string | null> {
    return (yield* urlOf.get({ sha256, upstream }))?.url ?? null
  }

  function* recentCalls(limit: number): Work<{ readonly endedMono: number }[]> {
    return (yield* latestCalls.all({ limit })).reverse()
  }

  function* addAsset(sha256: string, upstream: string, url: string): Work<string> {
    yield* insertAsset.run({ sha256, upstream, url })
    return (yield* copyOf(sha256, upstream)) ?? url
  }

  function* beginCall(mono: number): Work<number> {
    yield* forgetCalls.run({ beforeMono: mono - KEPT_MS })
    return (yield* insertCall.get({ mono }))!.id
  }

  return {
    upstreamAsset: (sha256, upstream) => read(() => copyOf(sha256, upstream)),
    addUpstreamAsset: (sha256, upstream, url) => write(NO_LOCKS, () => addAsset(sha256, upstream, url)),
    beginAssetCall: mono => write({ submitQueue: true }, () => beginCall(mono)),
    endAssetCall: (id, endedMono) => write(NO_LOCKS, () => endCall.run({ id, endedMono })),
    recentAssetCalls: limit => read(() => recentCalls(limit)),
    copyOf,
    recentCalls,
  }
}
