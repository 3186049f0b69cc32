import { createReadStream } from 'node:fs'
import { request } from 'undici'
import { type AssetFile, UpstreamError } from '../../tasks/driver/upstream.js'

/** How long the storage may be silent after the last byte. A slow line is no reason to give up. */
const SILENCE_MS = 60_000
/** The longest time of one file. */
const LONGEST_MS = 3_600_000

/** Sends a file to the signed link of JoggAI's storage. Nothing is paid for it, so every failure may be repeated. */
export async function sendAsset(signUrl: string, file: AssetFile, signal: AbortSignal): Promise<void> {
  const { path, contentType, sizeBytes } = file
  const headers = { 'content-type': contentType, 'content-length': String(sizeBytes) }
  const either = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)])
  const options = {
    method: 'PUT',
    headers,
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    signal: either,
  } as const
  try {
    const { statusCode, body } = await request(signUrl, { ...options, body: createReadStream(path) })
    await body.dump()
    if (statusCode >= 200 && statusCode < 300) return
    throw new UpstreamError('not-accepted', `JoggAI's storage answered HTTP ${statusCode} to a file`)
  } catch (thrown) {
    if (thrown instanceof UpstreamError) throw thrown
    throw new UpstreamError('not-accepted', "A file could not be sent to JoggAI's storage", { cause: thrown })
  }
}
