import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { MediaStore } from '../media/media-store.js'
import type { UploadStore } from '../tasks/upload-store.js'

export interface UploadExpiryParts {
  store: Pick<UploadStore, 'expireUploads' | 'nextExpiryMono'>
  media: Pick<MediaStore, 'delete'>
  clock: Pick<Clock, 'monotonic'>
  log: Logger
}

/** How many uploads expire in one transaction. */
const BATCH = 50
/** When an upload that an unfinished task uses is looked at again. */
const AGAIN_MS = 600_000

/** Creates the round that deletes the files of uploads that nobody needs any more. */
export function createUploadExpiry({ store, media, clock, log }: UploadExpiryParts) {
  return async (stopping: AbortSignal): Promise<number | null> => {
    for (;;) {
      const next = await store.nextExpiryMono()
      const now = clock.monotonic()
      if (next === null || next > now || stopping.aborted) return next
      for (const { mediaId, caller } of await store.expireUploads(now, now + AGAIN_MS, BATCH)) {
        await media.delete(mediaId)
        log.info({ mediaId, caller }, 'upload expired')
      }
    }
  }
}
