import { and, asc, eq, lte, type SQL, sql } from 'drizzle-orm'
import { NEXT, type Stage } from '../tasks/task.js'
import type { KeptUploads, StoredUpload, Upload, UploadStore } from '../tasks/upload-store.js'
import { type Connection, NO_LOCKS } from './connection.js'
import type { Work } from './statement.js'

const UNFINISHED = (Object.keys(NEXT) as Stage[]).filter(stage => NEXT[stage].length > 0)

/** The uploads of callers. */
export function createUploads({ db, tables, dialect, prepare, read, write }: Connection): UploadStore {
  const { tasks, uploads } = tables
  const { placeholder } = sql
  const isKept = dialect.isKept(uploads.isKept)
  const isUpload = eq(uploads.mediaId, placeholder('mediaId'))
  const isDue = and(isKept, lte(uploads.expiresMono, placeholder('nowMono')))
  /** An upload that was kept again meanwhile, by another gateway, is not due any more. */
  const isDueUpload = and(isUpload, isDue)

  const keptOf = prepare(
    db
      .select({ files: sql<number>`count(*)`, bytes: sql<number>`coalesce(sum(${uploads.sizeBytes}), 0)` })
      .from(uploads)
      .where(and(isKept, eq(uploads.caller, placeholder('caller')))),
  )
  const insert = prepare(
    db.insert(uploads).values({
      mediaId: placeholder('mediaId'),
      name: placeholder('name'),
      caller: placeholder('caller'),
      sizeBytes: placeholder('sizeBytes'),
      sha256: placeholder('sha256'),
      createdAt: placeholder('createdAt'),
      expiresMono: placeholder('expiresMono'),
      isKept: true,
    }),
  )
  const drop = prepare(db.delete(uploads).where(isUpload))
  const byId = prepare(db.select().from(uploads).where(isUpload))
  const byContent = prepare(
    db
      .select()
      .from(uploads)
      .where(and(eq(uploads.sha256, placeholder('sha256')), isKept))
      .limit(1),
  )
  const keep = prepare(
    db
      .update(uploads)
      .set({ expiresMono: dialect.greatest(uploads.expiresMono, sql`${placeholder('untilMono')}`) })
      .where(and(isUpload, isKept))
      .returning(),
  )
  const due = prepare(
    db.select().from(uploads).where(isDue).orderBy(asc(uploads.expiresMono)).limit(placeholder('limit')),
  )
  const nextDue = prepare(
    db
      .select({ expiresMono: uploads.expiresMono })
      .from(uploads)
      .where(isKept)
      .orderBy(asc(uploads.expiresMono))
      .limit(1),
  )
  const postpone = prepare(
    db
      .update(uploads)
      .set({ expiresMono: sql`${placeholder('againMono')}` })
      .where(isDueUpload),
  )
  const expire = prepare(db.update(uploads).set({ isKept: false }).where(isDueUpload).returning())
  const dropDue = prepare(db.delete(uploads).where(isDueUpload).returning())

  const taskWith = (isMadeFrom: SQL, within?: SQL) =>
    prepare(db.select({ id: tasks.id }).from(tasks).where(and(isMadeFrom, within)).limit(1))
  // One query for each column, because each has its own index.
  const columns = [tasks.videoSha256, tasks.audioSha256]
  const users = columns.map(column => taskWith(eq(column, placeholder('sha256'))))
  const unfinishedUsers = columns.map(column =>
    taskWith(eq(column, placeholder('sha256')), sql`${tasks.stage} IN ${UNFINISHED}`),
  )

  function* hasOne(queries: typeof users, sha256: string): Work<boolean> {
    for (const query of queries) if (yield* query.get({ sha256 })) return true
    return false
  }

  function* keptBy(caller: string): Work<KeptUploads> {
    return (yield* keptOf.get({ caller })) ?? { files: 0, bytes: 0 }
  }

  function* add(upload: Upload, maxBytes: number | null): Work<boolean> {
    if (maxBytes !== null && (yield* keptBy(upload.caller)).bytes + upload.sizeBytes > maxBytes) return false
    yield* insert.run({ ...upload })
    return true
  }

  function* expireDue(nowMono: number, againMono: number, limit: number): Work<StoredUpload[]> {
    const expired: StoredUpload[] = []
    for (const { mediaId, sha256 } of yield* due.all({ nowMono, limit })) {
      if (yield* hasOne(unfinishedUsers, sha256)) {
        yield* postpone.run({ mediaId, nowMono, againMono })
        continue
      }
      // The look-up by inputs still finds the tasks that were made from it.
      const end = (yield* hasOne(users, sha256)) ? expire : dropDue
      const upload = yield* end.get({ mediaId, nowMono })
      if (upload) expired.push(upload)
    }
    return expired
  }

  return {
    addUpload: (upload, maxBytes) => write({ caller: upload.caller }, () => add(upload, maxBytes)),
    dropUpload: mediaId => write(NO_LOCKS, () => drop.run({ mediaId })),
    upload: async mediaId => (await read(() => byId.get({ mediaId }))) ?? null,
    uploadOfContent: async sha256 => (await read(() => byContent.get({ sha256 }))) ?? null,
    keepUpload: async (mediaId, untilMono) => (await write(NO_LOCKS, () => keep.get({ mediaId, untilMono }))) ?? null,
    keptUploads: caller => read(() => keptBy(caller)),
    expireUploads: (nowMono, againMono, limit) => write(NO_LOCKS, () => expireDue(nowMono, againMono, limit)),
    nextExpiryMono: async () => (await read(() => nextDue.get()))?.expiresMono ?? null,
  }
}
