import { z } from 'zod'
import { parse } from './create-input.js'
import { invalidInput } from './invalid-input.js'

/** A file that a caller wants to upload. */
export interface UploadRequest {
  /** Its name, such as `Presenter 1.mp4`. Only the ending matters. */
  readonly filename: string
  /** Its media type; `application/octet-stream` where the client does not know it. Absent: by the name. */
  readonly contentType?: string | null | undefined
  /** Its exact size. Absent: not known before the upload. */
  readonly sizeBytes?: number | null | undefined
}

/** Where and how to send the bytes of a file. */
export interface UploadTicket {
  readonly url: string
  readonly method: 'PUT'
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
  /** The link to give to a create once the bytes are there. */
  readonly assetUrl: string
}

/** The largest file of each kind, in bytes. */
export type UploadLimits = Readonly<Record<'video' | 'audio', number>>

export interface ParsedUploadRequest {
  readonly name: string
  readonly contentType: string
  readonly sizeBytes: number | null
  readonly largestBytes: number
}

/** The endings that the media store serves, with the kind and the media types of each. The first type is the usual one. */
const FORMATS: Readonly<Record<string, readonly ['video' | 'audio', ...string[]]>> = {
  mp4: ['video', 'video/mp4'],
  m4v: ['video', 'video/x-m4v', 'video/m4v'],
  mov: ['video', 'video/quicktime'],
  webm: ['video', 'video/webm'],
  mkv: ['video', 'video/x-matroska', 'video/matroska'],
  mp3: ['audio', 'audio/mpeg', 'audio/mp3'],
  wav: ['audio', 'audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
  m4a: ['audio', 'audio/mp4', 'audio/x-m4a', 'audio/m4a'],
  aac: ['audio', 'audio/aac', 'audio/x-aac'],
  flac: ['audio', 'audio/flac', 'audio/x-flac'],
  ogg: ['audio', 'audio/ogg', 'application/ogg', 'audio/opus'],
}
const ENDINGS: Readonly<Record<string, string>> = { opus: 'ogg', oga: 'ogg', wave: 'wav' }
const UNKNOWN_TYPE = 'application/octet-stream'

const request = z.object({
  filename: z.string().min(1, 'is required').max(1_000, 'is longer than 1,000 characters'),
  contentType: z.string().max(200, 'is longer than 200 characters').nullish(),
  sizeBytes: z.number().nullish(),
})

/** Checks a request for an upload. Throws `BAD_USER_INPUT`. */
export function parseUploadRequest(given: UploadRequest, limits: UploadLimits): ParsedUploadRequest {
  const { filename, contentType, sizeBytes = null } = parse(request, given)
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() || UNKNOWN_TYPE
  const ending = endingOf(filename, type)
  const format = ending === null ? undefined : FORMATS[ending]
  if (ending === null || !format) {
    const message = `filename and contentType must be those of a video or an audio file: ${Object.keys(FORMATS).join(', ')}`
    throw invalidInput([{ path: [type === UNKNOWN_TYPE ? 'filename' : 'contentType'], message }])
  }
  const [kind] = format
  const largestBytes = limits[kind]
  if (sizeBytes !== null && !(Number.isSafeInteger(sizeBytes) && sizeBytes >= 1 && sizeBytes <= largestBytes)) {
    const message = `sizeBytes must be a whole number from 1 to ${largestBytes}, the limit of ${kind} files`
    throw invalidInput([{ path: ['sizeBytes'], message }])
  }
  return { name: `${kind}.${ending}`, contentType: type, sizeBytes, largestBytes }
}

/** The media type decides; one that says nothing leaves it to the name. Null: neither names a format. */
function endingOf(filename: string, type: string): string | null {
  const written = /\.([A-Za-z0-9]{1,8})$/.exec(filename)?.[1]?.toLowerCase() ?? ''
  const named = ENDINGS[written] ?? written
  if (type === UNKNOWN_TYPE) return Object.hasOwn(FORMATS, named) ? named : null
  const typed = Object.keys(FORMATS).find(ending => FORMATS[ending]?.includes(type)) ?? null
  // An `audio/mp4` named `.mp4` and the like: both are right, and the type says how it is to be used.
  return typed
}
