import { createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PRIVATE_FILE } from '../../media/durable-files.js'
import { asFetchError, type FetchError, type GuardedResponse, guardedFetch } from '../../net/guarded-fetch.js'
import { type InputName, inputFailure, isDiskFull, JobFailure } from './job-failure.js'

export interface FetchLimits {
  /** Hosts that may have a private address, as `host` (any port) or `host:port`. */
  readonly allowedHosts: readonly string[]
  /** The largest file, in bytes. */
  readonly inputBytes: number
  /** Limit for the connection, for the response headers and for each pause in the body, in milliseconds. */
  readonly idleMs: number
  /** Limit for the whole download, redirects included, in milliseconds. */
  readonly fetchMs: number
}

const HEADERS = {
  accept: 'video/*, audio/*, */*;q=0.5',
  'accept-encoding': 'identity',
  'user-agent': 'lipsync-gateway',
}

/**
 * Downloads an input into a file. Rejects with a `JobFailure` whose message never contains the URL, which may carry a
 * token; with the reason of `signal` when it aborts; and with the error of the disk.
 */
export async function fetchToFile(
  input: InputName,
  url: string,
  path: string,
  { allowedHosts, idleMs, inputBytes, fetchMs }: FetchLimits,
  signal: AbortSignal,
): Promise<void> {
  const timeout = AbortSignal.timeout(fetchMs)
  const either = AbortSignal.any([signal, timeout])
  try {
    await using response = await guardedFetch(url, { headers: HEADERS, allowedHosts, idleMs, signal: either })
    await save(input, response, path, inputBytes, either)
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof JobFailure || isDiskFull(thrown)) throw thrown
    throw inputFailure(input, timeout.aborted ? 'the download took too long' : reasonOf(asFetchError(thrown)))
  }
}

async function save(
  input: InputName,
  { status, headers, body }: GuardedResponse,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  if (status !== 200) throw inputFailure(input, `the server answered ${status}`)
  const tooLarge = () => inputFailure(input, `the file is larger than ${maxBytes / 1e6} MB`)
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  let bytes = 0
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length
      if (bytes > maxBytes) done(tooLarge())
      else done(null, chunk)
    },
  })
  await pipeline(body, counter, createWriteStream(path, { mode: PRIVATE_FILE }), { signal })
}

function reasonOf({ code, message }: FetchError): string {
  return code === 'HOST_REFUSED' ? `${message} (MEDIA_ALLOWED_HOSTS lists the private hosts that may be used)` : message
}
