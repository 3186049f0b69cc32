import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, buildConnector, request } from 'undici'
import { asError } from '../errors.js'
import { isListedHost, isPublicAddress } from './address.js'

export interface GuardedFetchOptions {
  /** @default 'GET' */
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Hosts that may have a private address, as `host` (any port) or `host:port`. */
  readonly allowedHosts: readonly string[]
  /** Limit for the connection, for the response headers and for each pause in the body, in milliseconds. */
  readonly idleMs: number
  /** How many redirects are followed. @default 5 */
  readonly maxRedirects?: number
  readonly signal: AbortSignal
}

/** A response whose connection closes when it is disposed. */
export interface GuardedResponse extends AsyncDisposable {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable
}

export type FetchErrorCode = 'INVALID_URL' | 'HOST_REFUSED' | 'REDIRECT' | 'CONNECTION' | 'TIMEOUT'

/** The message is safe to show to the author of the URL. It never contains the URL, which may carry a token. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly code: FetchErrorCode

  constructor(code: FetchErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Fetches a URL from an untrusted source, and connects to public addresses only (protection against SSRF). Each
 * redirect is checked like the first URL.
 *
 * An unknown host and a host with a private address give the same error, so that the author of a URL cannot find out
 * which internal names exist.
 *
 * @throws {FetchError} and the reason of `signal` when it aborts
 */
export async function guardedFetch(from: string, options: GuardedFetchOptions): Promise<GuardedResponse> {
  const { maxRedirects = MAX_REDIRECTS } = options
  let url = parseUrl(from)
  for (let hop = 0; hop <= maxRedirects; hop++) {
    const response = await requestOnce(url, options)
    if (!REDIRECTS.has(response.status)) return response
    await response[Symbol.asyncDispose]()
    const { location } = response.headers
    if (typeof location !== 'string') throw new FetchError('REDIRECT', 'the server redirects without a location')
    url = parseUrl(location, url)
  }
  throw new FetchError('REDIRECT', `the server redirects more than ${maxRedirects} times`)
}

/** Describes an error of `guardedFetch`, or one thrown while its response body is read. */
export function asFetchError(thrown: unknown): FetchError {
  if (thrown instanceof FetchError) return thrown
  if (thrown instanceof NotPublic) return hostRefused(thrown)
  const { code, cause } = thrown as { code?: string; cause?: { code?: string } }
  const describe = FAILURES[code ?? cause?.code ?? '']
  return describe
    ? describe(asError(thrown))
    : new FetchError('CONNECTION', 'it could not be fetched', { cause: thrown })
}

class NotPublic extends Error {
  override readonly name = 'NotPublic'
}

async function requestOnce(url: URL, options: GuardedFetchOptions): Promise<GuardedResponse> {
  const { method = 'GET', headers, body = null, allowedHosts, idleMs, signal } = options
  const dispatcher = createAgent(isListedHost(url, allowedHosts), idleMs)
  try {
    const response = await request(url, { dispatcher, method, headers, body, signal })
    const dispose = () => dispatcher.destroy()
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.body,
      [Symbol.asyncDispose]: dispose,
    }
  } catch (thrown) {
    await dispatcher.destroy()
    signal.throwIfAborted()
    throw asFetchError(thrown)
  }
}

/**
 * An HTTP client for one request. A host name is checked when it is resolved, before any connection. The socket is
 * checked again, which also covers addresses in the URL itself.
 */
function createAgent(isAllowed: boolean, idleMs: number): Agent {
  const connect = buildConnector({ timeout: idleMs, ...(isAllowed ? {} : { lookup: publicLookup }) })
  return new Agent({
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    connect: (options, done) => {
      const host = options.hostname.replace(/^\[|\]$/g, '')
      if (!isAllowed && isIP(host) && !isPublicAddress(host)) return done(new NotPublic(), null)
      connect(options, (...[error, socket]: [Error, null] | [null, Socket]) => {
        if (error) return done(error, null)
        if (isAllowed || isPublicAddress(socket.remoteAddress ?? '')) return done(null, socket)
        socket.destroy()
        done(new NotPublic(), null)
      })
    },
  })
}

/** Like `dns.lookup`, but fails when any of the addresses is not public. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = error ?? (addresses.every(({ address }) => isPublicAddress(address)) ? null : new NotPublic())
    if (refused) return done(refused, '')
    if (options.all) return done(null, addresses)
    const [first] = addresses
    done(null, first?.address ?? '', first?.family)
  })
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : null
  if (url && ['http:', 'https:'].includes(url.protocol)) return url
  throw new FetchError('INVALID_URL', 'the URL is not http or https')
}

function hostRefused(cause: Error): FetchError {
  return new FetchError('HOST_REFUSED', 'the host is unknown or not public', { cause })
}

const failure = (code: FetchErrorCode, message: string) => (cause: Error) => new FetchError(code, message, { cause })

/** By the codes of Node.js and undici. */
const FAILURES: Readonly<Record<string, (cause: Error) => FetchError>> = {
  ENOTFOUND: hostRefused,
  EAI_AGAIN: hostRefused,
  ECONNREFUSED: failure('CONNECTION', 'the server refused the connection'),
  ECONNRESET: failure('CONNECTION', 'the server closed the connection'),
  UND_ERR_SOCKET: failure('CONNECTION', 'the server closed the connection'),
  UND_ERR_CONNECT_TIMEOUT: failure('TIMEOUT', 'the server could not be reached in time'),
  UND_ERR_HEADERS_TIMEOUT: failure('TIMEOUT', 'the server did not respond in time'),
  UND_ERR_BODY_TIMEOUT: failure('TIMEOUT', 'the server stopped sending'),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: failure('CONNECTION', 'the server sent less than it announced'),
}
