import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { hostnameOf, isLoopback } from '../net/address.js'
import type { KeyStore } from './ports.js'

/** The sender of a request, as far as the connection and the headers show it. */
export interface Client {
  /** The remote address of the connection. */
  readonly address: string
  readonly headers: IncomingHttpHeaders
}

export interface AnonymousAccessParts {
  readonly keys: Pick<KeyStore, 'everCreated'>
  readonly clock: Clock
  /** `open`: requests without a credential are accepted whatever else is configured. */
  readonly mode: 'open' | null
  /** Whether the tokens of an issuer are accepted. */
  readonly hasIssuer: boolean
  /** Whether the gateway is meant to be reached from other machines. */
  readonly isExposed: () => boolean
}

export interface AnonymousAccess {
  /** Whether requests without a credential are accepted at all. A closed gateway stays closed: keys are never deleted. */
  isOpen(): Promise<boolean>
  /**
   * Throws `UNAUTHENTICATED` unless the client may use the gateway without a credential. Only the gateway's own machine
   * may (with `AUTH=open` on an exposed address: any client), and the request must show that it comes from there:
   *
   * - by a loopback address;
   * - by a loopback name as its `Host`: the owner of a web page can let the page's own name resolve to 127.0.0.1;
   * - without a proxy's headers: behind a proxy, the client can be anywhere.
   */
  check(client: Client): Promise<void>
}

/** How long a result of the store is used. The first key may be created by another process. */
const FRESH_MS = 500

/** Headers that proxies and CDNs add. Their presence counts, even without a value. */
const PROXY_HEADERS = [
  ...['forwarded', 'via', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
  ...['x-forwarded-port', 'x-forwarded-server', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip'],
  ...['cf-connecting-ip', 'cf-ray', 'fastly-client-ip'],
]

export function createAnonymousAccess(parts: AnonymousAccessParts): AnonymousAccess {
  const { keys, clock, mode, hasIssuer, isExposed } = parts
  let isClosed = false
  let askedAt = Number.NEGATIVE_INFINITY

  async function isOpen(): Promise<boolean> {
    if (mode === 'open') return true
    if (hasIssuer) return false
    if (!isClosed && clock.monotonic() - askedAt >= FRESH_MS) {
      const wasCreated = await keys.everCreated()
      isClosed ||= wasCreated
      askedAt = clock.monotonic()
    }
    return !isClosed
  }

  return {
    isOpen,
    async check(client) {
      if (!(await isOpen())) throw new GatewayError('UNAUTHENTICATED', 'This gateway requires a credential.')
      if (mode === 'open' && isExposed()) return
      const doubt = doubtOfOwnMachine(client)
      if (doubt)
        throw new GatewayError(
          'UNAUTHENTICATED',
          `Without a credential, this gateway accepts requests from its own machine only, and ${doubt}.`,
        )
    },
  }
}

/** Why a request need not come from the gateway's own machine; null when all signs say that it does. */
function doubtOfOwnMachine({ address, headers }: Client): string | null {
  if (!isLoopback(address)) return 'the connection comes from another one'
  if (!isLoopbackName(headers.host ?? '')) return 'the Host header is not a loopback name'
  const proxyHeader = PROXY_HEADERS.find(name => headers[name] !== undefined)
  return proxyHeader ? `the header ${proxyHeader} shows that the request came through a proxy` : null
}

/** The loopback names as nearly all clients send them, recognised without parsing a URL. */
const USUAL_NAME = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,4}|:[1-5]\d{4})?$/

function isLoopbackName(header: string): boolean {
  if (USUAL_NAME.test(header)) return true
  const url = `http://${header}`
  return URL.canParse(url) && isLoopback(hostnameOf(url))
}

/** What an operator must know before a gateway is reached: a reason not to start, or a warning. */
export function checkExposure({
  hosts,
  mode,
  isOpen,
}: {
  /** Where the gateway can be reached: the address to listen on, the host of its public URL. */
  readonly hosts: readonly string[]
  readonly mode: 'open' | null
  readonly isOpen: boolean
}): { readonly startError: string | null; readonly warning: string | null } {
  const reachable = hosts.filter(host => !isLoopback(host))
  const names = reachable.join(' and ')
  if (mode === 'open')
    return { startError: null, warning: `AUTH=open: anyone who can reach ${names || 'this gateway'} has full access` }
  if (!isOpen || reachable.length === 0) return { startError: null, warning: null }
  return { startError: startErrorFor(names), warning: null }
}

function startErrorFor(hosts: string): string {
  return `${hosts} can be reached from other machines, and no authentication is configured. Do one of the following:
  lipsync-gateway keys create NAME   creates an API key; from then on every request needs a credential
  JWT_JWKS_URL or JWT_SECRET         accepts the tokens of your own issuer (with JWT_ISSUER and JWT_AUDIENCE)
  HOST=127.0.0.1, no PUBLIC_URL      serves this machine only
  AUTH=open                          allows unauthenticated access anyway`
}
