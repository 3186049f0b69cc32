import { access } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { KeyStore } from '../auth/ports.js'
import { createUploadTokens } from '../auth/upload-token.js'
import type { Clock } from '../clock.js'
import type { MediaStore } from '../media/media-store.js'
import { hostnameOf, isPublicHost } from '../net/address.js'
import { type Poller, startPoller } from '../poller.js'
import type { UploadedFiles } from '../tasks/driver/input-preparer.js'
import type { UploadLinks } from '../tasks/service/caller-uploads.js'
import type { UploadedInputsParts } from '../tasks/service/uploaded-inputs.js'
import type { UploadStore } from '../tasks/upload-store.js'
import { createUploadExpiry } from './upload-expiry.js'
import { createUploadReceiver, type UploadReceiver } from './upload-receiver.js'

export interface UploadsParts {
  store: UploadStore
  keys: Pick<KeyStore, 'secret'>
  media: MediaStore
  links: { linkTo(path: string): string; pathOf(url: string): string | null }
  clock: Clock
  log: Logger
  dataDir: string
  /** How long an upload is kept after it was last needed. */
  ttlMs: number
  /** The URL under which clients reach the gateway; null: not configured. */
  publicUrl: string | null
}

export interface Uploads extends AsyncDisposable {
  readonly receiver: UploadReceiver
  readonly uploadLinks: UploadLinks
  readonly uploadedFiles: UploadedFiles
  readonly assetOf: UploadedInputsParts['assetOf']
  readonly expiry: Poller
}

/** The files that callers upload: their links, their arrival, and their end. */
export async function openUploads(parts: UploadsParts): Promise<Uploads> {
  const { store, keys, media, links, clock, log, dataDir, ttlMs, publicUrl } = parts
  const tokens = createUploadTokens({ keys, clock })
  const onStored = () => expiry.nudge()
  const receiver = createUploadReceiver({ store, media, tokens, clock, log, dataDir, ttlMs, onStored })
  await receiver.recover()
  const round = createUploadExpiry({ store, media, clock, log })
  const expiry = startPoller({ clock, round, onError: err => log.error({ err }, 'round failed') })

  return {
    receiver,
    expiry,
    uploadLinks: {
      uploadUrl: async claims => links.linkTo(`/uploads/${await tokens.mint(claims)}`),
      assetUrl: (mediaId, name) => links.linkTo(media.publicPath(mediaId, name)),
    },
    uploadedFiles: {
      areReachable: publicUrl !== null && isPublicHost(hostnameOf(publicUrl)),
      async fileOf(sha256) {
        const upload = await store.uploadOfContent(sha256)
        const path = upload && media.resolve(media.publicPath(upload.mediaId, upload.name))
        return upload && path
          ? { path, name: upload.name, contentType: typeOf(upload.name), sizeBytes: upload.sizeBytes }
          : null
      },
    },
    assetOf(url) {
      const pathname = links.pathOf(url)
      const file = pathname && media.resolve(pathname)
      if (!pathname || !file) return null
      const mediaId = pathname.split('/')[2] ?? ''
      const exists = () =>
        access(file).then(
          () => true,
          () => false,
        )
      return { mediaId, exists }
    },
    [Symbol.asyncDispose]: () => expiry[Symbol.asyncDispose](),
  }
}

/** The media types that JoggAI's own client declares. */
const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/x-m4v',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  m4a: 'audio/mp4',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
}

function typeOf(name: string): string {
  return TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
}
