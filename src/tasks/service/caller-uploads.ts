import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { GatewayError } from '../../errors.js'
import type { Caller } from '../caller.js'
import type { KeptUploads, UploadClaims, UploadStore } from '../upload-store.js'
import { requireScope } from './permissions.js'
import type { TaskService } from './task-service.js'
import { parseUploadRequest, type UploadLimits } from './upload-request.js'

export interface CallerUploadsParts {
  store: Pick<UploadStore, 'keptUploads'>
  clock: Pick<Clock, 'now'>
  uploadLinks: UploadLinks
  uploadLimits: UploadLimits
}

/** The links of uploads. */
export interface UploadLinks {
  /** The link to send the bytes to. It is the credential. */
  uploadUrl(claims: UploadClaims): Promise<string>
  /** The link to the file once it is there. */
  assetUrl(mediaId: string, name: string): string
}

export type CallerUploads = Pick<TaskService, 'createUpload' | 'uploads'>

/** How long an upload may begin after its link was made. Shorter than the shortest life of an upload. */
const LINK_TTL_MS = 1_800_000

/** Hands out links for uploads. Nothing is stored before the bytes are there. */
export function callerUploads(parts: CallerUploadsParts, caller: Caller): CallerUploads {
  const { store, clock, uploadLinks, uploadLimits } = parts
  const quotaBytes = caller.limits.uploadBytes
  return {
    async createUpload(request) {
      requireScope(caller, 'create')
      const upload = parseUploadRequest(request, uploadLimits)
      const kept = await store.keptUploads(caller.id)
      if (quotaBytes !== null && kept.bytes + (upload.sizeBytes ?? 1) > quotaBytes)
        throw uploadQuotaReached(quotaBytes, kept.bytes)
      const mediaId = randomUUID()
      const expiresAt = Math.floor((clock.now() + LINK_TTL_MS) / 1_000) * 1_000
      const claims: UploadClaims = { ...upload, caller: caller.id, mediaId, quotaBytes, expiresAt }
      return {
        url: await uploadLinks.uploadUrl(claims),
        method: 'PUT',
        headers: { 'Content-Type': upload.contentType },
        expiresAt,
        assetUrl: uploadLinks.assetUrl(mediaId, upload.name),
      }
    },

    async uploads(): Promise<KeptUploads> {
      requireScope(caller, 'read')
      if (caller.restriction) throw new GatewayError('FORBIDDEN', 'A watch token shows tasks only.')
      return store.keptUploads(caller.id)
    },
  }
}

export function uploadQuotaReached(quotaBytes: number, keptBytes: number): GatewayError {
  const message = `The limit of ${quotaBytes} bytes of uploads is reached; ${Math.max(0, quotaBytes - keptBytes)} are left.`
  return new GatewayError('LIMIT_EXCEEDED', message, { limit: 'uploadBytes' })
}
