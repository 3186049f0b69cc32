import { and, asc, desc, eq, lt, lte, sql } from 'drizzle-orm'
import { NEXT, type Stage } from '../../tasks/task.js'
import type { AssetStore, UploadStore } from '../../tasks/upload-store.js'
import type { Connection } from './connection.js'
import { assetCalls, tasks, uploads, upstreamAssets } from './tables.js'

/** Written out, because SQLite uses a partial index only for the literal words of its condition. */
const isKept = sql`${uploads.isKept} = 1`

/** The uploads of callers. */
export function createUploads({ db, read, write }: Connection): UploadStore {
  const ofId = (mediaId: string) => eq(uploads.mediaId, mediaId)

  function keptBy(caller: string) {
    const sums = { files: sql<number>`count(*)`, bytes: sql<number>`coalesce(sum(${uploads.sizeBytes}), 0)` }
    const ofCaller = and(isKept, eq(uploads.caller, caller))
    return db.select(sums).from(uploads).where(ofCaller).get() ?? { files: 0, bytes: 0 }
  }

  /** Whether a task was made from this content; with stages, only one in these. */
  function isUsed(sha256: string, stages?: readonly Stage[]): boolean {
    const within = stages && sql`${tasks.stage} IN ${stages}`
    // One query for each column, because each has its own index.
    return [tasks.videoSha256, tasks.audioSha256].some(
      column =>
        db
          .select({ id: tasks.id })
          .from(tasks)
          .where(and(eq(column, sha256), within))
          .limit(1)
          .get() !== undefined,
    )
  }

  return {
    addUpload: (upload, maxBytes) =>
      write(() => {
        if (maxBytes !== null && keptBy(upload.caller).bytes + upload.sizeBytes > maxBytes) return false
        db.insert(uploads)
          .values({ ...upload, isKept: true })
          .run()
        return true
      }),

    dropUpload: mediaId => write(() => void db.delete(uploads).where(ofId(mediaId)).run()),

    upload: mediaId => read(() => db.select().from(uploads).where(ofId(mediaId)).get() ?? null),

    uploadOfContent: sha256 =>
      read(
        () =>
          db
            .select()
            .from(uploads)
            .where(and(eq(uploads.sha256, sha256), isKept))
            .limit(1)
            .get() ?? null,
      ),

    keepUpload: (mediaId, untilMono) =>
      write(() => {
        const expiresMono = sql`max(${uploads.expiresMono}, ${untilMono})`
        const kept = and(ofId(mediaId), isKept)
        return db.update(uploads).set({ expiresMono }).where(kept).returning().get() ?? null
      }),

    keptUploads: caller => read(() => keptBy(caller)),

    expireUploads: (nowMono, againMono, limit) =>
      write(() => {
        const due = db
          .select()
          .from(uploads)
          .where(and(isKept, lte(uploads.expiresMono, nowMono)))
          .orderBy(asc(uploads.expiresMono))
          .limit(limit)
          .all()
        const [used, unused] = [due.filter(inUse), due.filter(upload => !inUse(upload))]
        for (const { mediaId } of used) db.update(uploads).set({ expiresMono: againMono }).where(ofId(mediaId)).run()
        // The look-up by inputs still finds the tasks that were made from it.
        for (const { mediaId, sha256 } of unused)
          if (isUsed(sha256)) db.update(uploads).set({ isKept: false }).where(ofId(mediaId)).run()
          else db.delete(uploads).where(ofId(mediaId)).run()
        return unused
      }),

    nextExpiryMono: () =>
      read(
        () =>
          db
            .select({ at: uploads.expiresMono })
            .from(uploads)
            .where(isKept)
            .orderBy(asc(uploads.expiresMono))
            .limit(1)
            .get()?.at ?? null,
      ),
  }

  function inUse({ sha256 }: { readonly sha256: string }): boolean {
    return isUsed(sha256, UNFINISHED)
  }
}

/** The copies of uploads at upstreams. */
export function createAssets({ db, read, write }: Connection): AssetStore {
  const copyOf = (sha256: string, upstream: string) =>
    db
      .select({ url: upstreamAssets.url })
      .from(upstreamAssets)
      .where(and(eq(upstreamAssets.sha256, sha256), eq(upstreamAssets.upstream, upstream)))
      .get()?.url ?? null

  return {
    upstreamAsset: (sha256, upstream) => read(() => copyOf(sha256, upstream)),

    addUpstreamAsset: (sha256, upstream, url) =>
      write(() => {
        db.insert(upstreamAssets).values({ sha256, upstream, url }).onConflictDoNothing().run()
        return copyOf(sha256, upstream) ?? url
      }),

    beginAssetCall: mono =>
      write(() => {
        db.delete(assetCalls)
          .where(lt(assetCalls.endedMono, mono - KEPT_MS))
          .run()
        return db.insert(assetCalls).values({ begunMono: mono, endedMono: mono }).returning().get().id
      }),

    endAssetCall: (id, endedMono) =>
      write(() => void db.update(assetCalls).set({ endedMono }).where(eq(assetCalls.id, id)).run()),

    recentAssetCalls: limit =>
      read(() =>
        db
          .select({ endedMono: assetCalls.endedMono })
          .from(assetCalls)
          .orderBy(desc(assetCalls.id))
          .limit(limit)
          .all()
          .reverse(),
      ),
  }
}

const UNFINISHED = (Object.keys(NEXT) as Stage[]).filter(stage => NEXT[stage].length > 0)

/** Far longer than the window of a rate limit. */
const KEPT_MS = 3_600_000
