import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import type { UploadTokens } from '../auth/upload-token.js'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { makePrivateFolder, PRIVATE_FILE } from '../media/durable-files.js'
import type { MediaStore } from '../media/media-store.js'
import { sniffMedia } from '../media/sniff-media.js'
import { uploadQuotaReached } from '../tasks/service/caller-uploads.js'
import type { UploadClaims, UploadStore } from '../tasks/upload-store.js'

export interface UploadReceiverParts {
  store: UploadStore
  media: MediaStore
  tokens: UploadTokens
  clock: Clock
  log: Logger
  /** Temporary files are in its folder `uploads`, on the file system of the media store. */
  dataDir: string
  /** How long an upload is kept after it was last needed. */
  ttlMs: number
  /** Called after each upload, with the time at which it expires. */
  onStored(): void
}

/** The body of an upload, and what its header says about it. */
export interface UploadBody {
  /** Null: not declared. */
  readonly contentLength: number | null
  /** Lets the client send the body. Called once the link and the headers are accepted. */
  open(): Readable
}

export interface ReceivedUpload {
  readonly assetPath: string
  readonly sizeBytes: number
  readonly sha256: string
}

export interface UploadReceiver {
  /** Removes what an earlier process left behind. */
  recover(): Promise<void>
  /**
   * Stores the body of an upload. Until it is complete and its content was judged, only a temporary file exists, which is
   * removed when the upload fails. Rejects with a `GatewayError`, and with the error of the body when it is cut.
   */
  receive(token: string, body: UploadBody): Promise<ReceivedUpload>
}

const PART = '.part'

export function createUploadReceiver(parts: UploadReceiverParts): UploadReceiver {
  const { store, media, tokens, clock, log, ttlMs, onStored } = parts
  const folder = resolve(parts.dataDir, 'uploads')
  /** The uploads under way: each holds its size of its caller's limit. */
  const underWay = new Map<string, { readonly caller: string; readonly bytes: number }>()

  function bytesUnderWay(callerId: string): number {
    return [...underWay.values()].reduce((sum, { caller, bytes }) => (caller === callerId ? sum + bytes : sum), 0)
  }

  async function accept(claims: UploadClaims, contentLength: number | null): Promise<void> {
    const { caller, mediaId, sizeBytes, largestBytes, quotaBytes } = claims
    const size = sizeBytes ?? contentLength
    if (contentLength !== null && sizeBytes !== null && contentLength !== sizeBytes) throw wrongSize(sizeBytes)
    if (contentLength !== null && contentLength > largestBytes) throw tooLarge(largestBytes)
    if (underWay.has(mediaId)) throw new GatewayError('INVALID_STATE', 'An upload to this link is under way.')
    // Without a size, any size up to the limit has to be expected.
    underWay.set(mediaId, { caller, bytes: size ?? largestBytes })
    if (await store.upload(mediaId)) throw new GatewayError('INVALID_STATE', 'The upload link was used already.')
    const { bytes } = await store.keptUploads(caller)
    if (quotaBytes !== null && bytes + bytesUnderWay(caller) > quotaBytes) throw uploadQuotaReached(quotaBytes, bytes)
  }

  async function keep(claims: UploadClaims, file: string, written: { sizeBytes: number; sha256: string }) {
    const { caller, mediaId, name, contentType, quotaBytes } = claims
    await assertContent(file, contentType)
    const now = { createdAt: clock.now(), expiresMono: clock.monotonic() + ttlMs }
    const isStored = await store.addUpload({ mediaId, name, caller, ...written, ...now }, quotaBytes)
    if (!isStored) throw uploadQuotaReached(quotaBytes ?? 0, (await store.keptUploads(caller)).bytes)
    try {
      await media.put(mediaId, name, file)
    } catch (thrown) {
      await store.dropUpload(mediaId)
      throw thrown
    }
    log.info({ caller, mediaId, sizeBytes: written.sizeBytes }, 'upload stored')
    onStored()
    return { assetPath: media.publicPath(mediaId, name), ...written }
  }

  return {
    async recover() {
      for (const entry of await readdir(folder).catch(noFolder)) {
        const mediaId = entry.slice(0, -PART.length)
        // The row is written before the file is moved: with a temporary file left, the upload never became complete.
        if (entry.endsWith(PART)) await store.dropUpload(mediaId)
        await rm(join(folder, entry), { recursive: true, force: true })
      }
    },

    async receive(token, { contentLength, open }) {
      const claims = await tokens.verify(token)
      const { mediaId, sizeBytes, largestBytes } = claims
      const file = join(folder, `${mediaId}${PART}`)
      const isOther = underWay.has(mediaId)
      try {
        await accept(claims, contentLength)
        await makePrivateFolder(folder)
        const written = await write(open(), file, sizeBytes ?? largestBytes, sizeBytes)
        return await keep(claims, file, written)
      } catch (thrown) {
        throw isDiskFull(thrown) ? diskFull() : thrown
      } finally {
        if (!isOther) {
          await rm(file, { force: true })
          underWay.delete(mediaId)
        }
      }
    },
  }
}

/** Writes a body to a file as it comes, and hashes it on the way. */
async function write(body: Readable, file: string, largestBytes: number, exactBytes: number | null) {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      sizeBytes += chunk.length
      if (sizeBytes > largestBytes) return done(exactBytes === null ? tooLarge(largestBytes) : wrongSize(exactBytes))
      hash.update(chunk)
      done(null, chunk)
    },
  })
  await pipeline(body.iterator({ destroyOnReturn: false }), meter, createWriteStream(file, { mode: PRIVATE_FILE }))
  if (sizeBytes === 0 || (exactBytes !== null && sizeBytes !== exactBytes)) throw wrongSize(exactBytes ?? 1)
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** Judges a file by its content. A video may be declared as audio, because it can be the source of the sound. */
async function assertContent(file: string, contentType: string): Promise<void> {
  const kind = await sniffMedia(file)
  if (kind === null) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'The file is neither a video nor an audio file.')
  if (kind === 'audio' && contentType.startsWith('video/'))
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'The file is declared as a video and contains only sound.')
}

function wrongSize(sizeBytes: number): GatewayError {
  return new GatewayError('BAD_REQUEST', `The body does not have the ${sizeBytes} bytes of the upload link.`)
}

function tooLarge(largestBytes: number): GatewayError {
  return new GatewayError('REQUEST_ENTITY_TOO_LARGE', `The file exceeds the limit of ${largestBytes} bytes.`)
}

function noFolder(thrown: NodeJS.ErrnoException): string[] {
  if (thrown.code === 'ENOENT') return []
  throw thrown
}

function isDiskFull(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
}

function diskFull(): GatewayError {
  return new GatewayError('STORE_UNAVAILABLE', 'The disk of the gateway is full.', { retryAfter: 60 })
}
