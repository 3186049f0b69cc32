import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import cors from 'cors'
import type { Logger } from 'pino'
import type { Authenticator } from '../auth/authenticator.js'
import { GatewayError } from '../errors.js'
import { describeError, type ErrorDescription } from './describe-error.js'
import { SECURITY_HEADERS } from './headers.js'
import { readJsonBody } from './json-body.js'
import type { Origins } from './origins.js'
import { clientOf, credentialOf } from './request-login.js'
import { type CallerRoute, type ErrorProtocol, pathOf, type Route, type RouteMatch, type Router } from './router.js'
import { sendError, sendGraphQLError, sendJoggError } from './send-json.js'
import type { WebSocketHandler } from './websocket.js'

export interface EdgeParts {
  router: Router
  webSocket: WebSocketHandler
  authenticator: Pick<Authenticator, 'authenticate' | 'isForeign'>
  origins: Origins
  /** The URL under which clients reach the gateway; null while unknown. */
  publicUrl: string | null
  log: Logger
}

export interface Edge extends AsyncDisposable {
  /** A Node request listener and Connect middleware: paths that are not the gateway's go to `next`, or are 404. */
  listener(req: IncomingMessage, res: ServerResponse, next?: () => void): void
  /**
   * Handles a WebSocket handshake on `/graphql`, also below the path of the public URL: frameworks strip the path they
   * mount a listener at from requests, but not from handshakes. Returns false, and leaves the socket untouched, for any
   * other path.
   */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean
}

/** How long running requests may take to finish at the shutdown. */
const DRAIN_MS = 2_000
const UPGRADE_PATH = '/graphql'

/**
 * What every request passes before a protocol sees it, in this order: route, security headers, origin, identity, body.
 * Errors on the way are rendered in the protocol of the route.
 */
export function createEdge({ router, webSocket, authenticator, origins, publicUrl, log }: EdgeParts): Edge {
  const upgradePaths = [UPGRADE_PATH, `${basePathOf(publicUrl)}${UPGRADE_PATH}`]
  const allowOrigin = cors((req, done) => {
    origins
      .allows(req.headers)
      .then(isAllowed => done(null, { origin: isAllowed && req.headers.origin !== undefined, ...CORS }), done)
  })
  const open = new Set<ServerResponse>()
  let isStopping = false

  function fail(thrown: unknown, { req, res, errors }: Exchange): void {
    // A client that left during its own request gets no response, and the failure is not logged.
    if (res.destroyed || (req.readableAborted && !req.complete)) return void res.destroy()
    const description = describeError(thrown, log)
    if (res.headersSent) return void res.destroy()
    if (!req.complete) res.setHeader('connection', 'close')
    SEND_ERROR[errors](res, description, req.headers.accept)
  }

  async function callerOf(req: IncomingMessage, route: CallerRoute) {
    const sent = credentialOf(req.headers)
    const isIgnored = sent !== null && route.ignoresForeignKeys && (await authenticator.isForeign(sent))
    const credential = isIgnored ? null : sent
    if (credential === null && (await origins.isForeignPage(req.headers)))
      throw new GatewayError('FORBIDDEN', 'Requests from pages of this origin need a credential.')
    const session = await authenticator.authenticate(credential, clientOf(req))
    const body = req.method === 'POST' ? await readJsonBody(req, route) : undefined
    return { session, body }
  }

  async function serve(match: RouteMatch, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const exchange = { req, res, errors: errorsOf(match) }
    try {
      assertOneHost(req)
      if (isStopping) throw new GatewayError('SHUTTING_DOWN')
      if ('allowed' in match) {
        res.setHeader('allow', match.allowed.join(', '))
        throw new GatewayError('METHOD_NOT_ALLOWED', `Use ${match.allowed.join(' or ')}.`)
      }
      const { route, params } = match
      const request = { req, res, params }
      if (route.access === 'public') await route.handle(request)
      else if (route.page && isPageView(req)) await route.page.handle(request)
      else await route.handle({ ...request, ...(await callerOf(req, route)) })
    } catch (thrown) {
      fail(thrown, exchange)
    }
  }

  return {
    listener(req, res, next) {
      const match = router(req, next !== undefined)
      if (!match) return next ? next() : sendNotFound(res)
      open.add(res)
      res.once('close', () => open.delete(res))
      if (isStopping) res.setHeader('connection', 'close')
      SECURITY_HEADERS[kindOf(match, req)](res)
      res.setHeader('vary', 'Origin')
      if (errorsOf(match) === 'graphql') res.setHeader('cache-control', 'no-store')
      if (req.headers.origin === undefined) return void serve(match, req, res)
      allowOrigin(req, res, thrown => {
        if (thrown) fail(thrown, { req, res, errors: errorsOf(match) })
        else void serve(match, req, res)
      })
    },

    upgrade(req, socket, head) {
      if (!upgradePaths.includes(pathOf(req))) return false
      const drop = () => socket.destroy()
      socket.once('error', drop)
      origins.allows(req.headers).then(
        isAllowed => {
          if (isStopping) return refuseUpgrade(socket, '503 Service Unavailable')
          if (!isAllowed || hostCount(req) > 1)
            return refuseUpgrade(socket, isAllowed ? '400 Bad Request' : '403 Forbidden')
          socket.off('error', drop)
          webSocket.upgrade(req, socket, head)
        },
        thrown => {
          log.error({ err: thrown }, 'WebSocket handshake failed')
          refuseUpgrade(socket, '500 Internal Server Error')
        },
      )
      return true
    },

    /** Event streams are cut, because a proper end would mean to their clients that no more events follow. */
    async [Symbol.asyncDispose]() {
      isStopping = true
      for (const res of open) if (isStream(res)) res.destroy()
      await Promise.all([webSocket[Symbol.asyncDispose](), drained(open)])
      for (const res of open) res.destroy()
    },
  }
}

/** Rejects a handshake and closes the connection, even if the client keeps its half open. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`, () => socket.destroy())
}

/** `/lipsync` for `https://example.com/lipsync/`; empty when the gateway is at the root. */
function basePathOf(publicUrl: string | null): string {
  return publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '')
}

interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly errors: ErrorProtocol
}

const SEND_ERROR: Readonly<
  Record<ErrorProtocol, (res: ServerResponse, description: ErrorDescription, accept: string | undefined) => void>
> = {
  graphql: sendGraphQLError,
  json: (res, description) => sendError(res, description),
  jogg: (res, description) => sendJoggError(res, description),
}

const CORS = { methods: ['GET', 'POST', 'PUT'], maxAge: 600 }

function errorsOf(match: RouteMatch): ErrorProtocol {
  return 'route' in match ? match.route.errors : match.errors
}

function kindOf(match: RouteMatch, req: IncomingMessage): Route['kind'] {
  if (!('route' in match)) return 'data'
  const { route } = match
  return route.access === 'caller' && route.page && isPageView(req) ? route.page.kind : route.kind
}

/** Whether a browser opens the path as a page. */
function isPageView({ method, headers: { accept } }: IncomingMessage): boolean {
  return method === 'GET' && accept !== undefined && accept.includes('text/html')
}

/** Two `Host` headers are read differently by different servers, so a proxy may have checked the other one. */
function assertOneHost(req: IncomingMessage): void {
  if (hostCount(req) > 1) throw new GatewayError('BAD_REQUEST', 'The request has more than one Host header.')
}

function hostCount({ rawHeaders }: IncomingMessage): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') count++
  return count
}

function sendNotFound(res: ServerResponse): void {
  const message =
    'The gateway serves /graphql, /v2/*, /media/*, /health and /ready. Below another path, the host must strip that path.'
  sendError(res, { code: 'NOT_FOUND', message, status: 404, details: {}, id: null })
}

function isStream(res: ServerResponse): boolean {
  return /^(text\/event-stream|multipart\/mixed)/.test(String(res.getHeader('content-type')))
}

function drained(open: ReadonlySet<ServerResponse>): Promise<void> {
  return new Promise(resolve => {
    if (open.size === 0) return resolve()
    const timer = setTimeout(resolve, DRAIN_MS)
    for (const res of open)
      res.once('close', () => {
        if (open.size > 0) return
        clearTimeout(timer)
        resolve()
      })
  })
}
