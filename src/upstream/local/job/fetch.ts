import { lookup as dnsLookup } from 'node:dns'
import { createWriteStream } from 'node:fs'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import { isAllowedHost, isPublicAddress } from './address.js'
import { type InputName, inputFailure, JobFailure } from './failure.js'

export interface FetchLimits {
  /** Hosts that may be private, as `host` (any port) or `host:port`. */
  readonly allowedHosts: readonly string[]
  /** The largest answer, in bytes. */
  readonly inputBytes: number
  /** How long a connection, the headers and each silence in between may take, in milliseconds. */
  readonly idleMs: number
  /** How long it may take from the first hop to the last byte, in milliseconds. */
  readonly fetchMs: number
}

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

class NotPublic extends Error {
  override readonly name = 'NotPublic'
}

/** Fetches an input into a file. Rejects with a `JobFailure` whose message never holds the URL: it may carry tokens. */
export const fetchToFile = async (input: InputName, from: string, path: string, limits: FetchLimits): Promise<void> => {
  const signal = AbortSignal.timeout(limits.fetchMs)
  let url = parseUrl(input, from)
  try {
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      await using agent = createAgent(isAllowedHost(url, limits.allowedHosts), limits.idleMs)
      const answer = await request(url, {
        dispatcher: agent.dispatcher,
        signal,
        headers: {
          accept: 'video/*, audio/*, */*;q=0.5',
          'accept-encoding': 'identity',
          'user-agent': 'lipsync-gateway',
        },
      })
      if (!REDIRECTS.has(answer.statusCode)) return await save(input, answer, path, limits.inputBytes, signal)
      const { location } = answer.headers
      if (typeof location !== 'string') throw inputFailure(input, 'the server redirects to nowhere')
      url = parseUrl(input, location, url)
    }
    throw inputFailure(input, `the server redirects more than ${MAX_REDIRECTS} times`)
  } catch (error) {
    if (error instanceof JobFailure) throw error
    throw inputFailure(input, signal.aborted ? 'fetching it took too long' : reasonOf(error))
  }
}

const parseUrl = (input: InputName, text: string, base?: URL): URL => {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : null
  if (!url || !['http:', 'https:'].includes(url.protocol)) throw inputFailure(input, 'the address is not http or https')
  return url
}

const save = async (
  input: InputName,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> => {
  if (statusCode !== 200) throw inputFailure(input, `the server answered ${statusCode}`)
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
  await pipeline(body, counter, createWriteStream(path), { signal })
}

/**
 * An HTTP client for one hop. An address is checked when a name is looked up, so that no connection to a private one is
 * even tried, and once more on the socket, which also canSee addresses written into the URL.
 */
const createAgent = (allowed: boolean, idleMs: number): { dispatcher: Agent } & AsyncDisposable => {
  const connect = buildConnector({ timeout: idleMs, ...(allowed ? {} : { lookup: publicLookup }) })
  const dispatcher = new Agent({
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    connect: (options, done) => {
      const host = options.hostname.replace(/^\[|\]$/g, '')
      if (!allowed && isIP(host) && !isPublicAddress(host)) return done(new NotPublic(), null)
      connect(options, (...[error, socket]: [Error, null] | [null, Socket]) => {
        if (error) return done(error, null)
        if (allowed || isPublicAddress(socket.remoteAddress ?? '')) return done(null, socket)
        socket.destroy()
        done(new NotPublic(), null)
      })
    },
  })
  return { dispatcher, [Symbol.asyncDispose]: () => dispatcher.destroy() }
}

/** Like `dns.lookup`, and fails when any of the addresses is not public. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = error ?? (addresses.every(({ address }) => isPublicAddress(address)) ? null : new NotPublic())
    if (refused) return done(refused, '')
    if (options.all) return done(null, addresses)
    const [first] = addresses
    done(null, first?.address ?? '', first?.family)
  })
}

const REASONS: Record<string, string> = {
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host could not be looked up',
  ECONNREFUSED: 'the server refused the connection',
  ECONNRESET: 'the server closed the connection',
  UND_ERR_SOCKET: 'the server closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'the server could not be reached in time',
  UND_ERR_HEADERS_TIMEOUT: 'the server did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'the server stopped sending',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the server sent less than it announced',
}

const reasonOf = (thrown: unknown): string => {
  if (thrown instanceof NotPublic) return 'the address is not public'
  const { code, cause } = thrown as { code?: string; cause?: { code?: string } }
  return REASONS[code ?? cause?.code ?? ''] ?? 'it could not be fetched'
}
