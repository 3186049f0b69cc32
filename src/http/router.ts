import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import cors from 'cors'
import type { Logger } from 'pino'
import type { GraphQLServer } from './graphql.js'
import { sendFile } from './media.js'
import type { WebSocketHandler } from './websocket.js'

/** What `/ready` says: whether the gateway can do its work, and about each part what is wrong with it. */
export interface Readiness {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, string>>
}

export interface RouterParts {
  graphql: GraphQLServer
  webSocket: WebSocketHandler
  readiness(): Promise<Readiness>
  /** The file behind a path like `/media/…`; null when there is none. */
  mediaFile(pathname: string): string | null
  corsOrigins: readonly string[]
  log: Logger
}

export interface Router extends AsyncDisposable {
  /** A Node request listener that is also a Connect middleware: what is not the gateway's goes to `next`, or is 404. */
  listener(req: IncomingMessage, res: ServerResponse, next?: () => void): void
  /** Takes a WebSocket handshake on `/graphql`; answers false, and touches nothing, when it is not the gateway's. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean
}

/** How long a request under way may still take at the shutdown. */
const DRAIN_MS = 2_000

/** One port: `/graphql`, `/media/*`, `/health` and `/ready`. */
export const createRouter = (parts: RouterParts): Router => {
  const { graphql, webSocket, readiness, mediaFile, corsOrigins, log } = parts
  const allowOrigin = cors({ origin: [...corsOrigins], methods: ['GET', 'POST'], maxAge: 600 })
  const open = new Set<ServerResponse>()
  let stopping = false

  /** Who answers this path; null when it is not the gateway's. */
  const routeOf = (path: string): ((req: IncomingMessage, res: ServerResponse) => unknown) | null => {
    if (path === '/graphql') return graphql.handle
    if (path === '/health') return (_, res) => json(res, 200, { status: 'alive' })
    if (path === '/ready')
      return async (_, res) => {
        const { ready, checks } = await readiness()
        json(res, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks })
      }
    const file = path.startsWith('/media/') ? mediaFile(path) : null
    return file === null ? null : (req, res) => sendFile(req, res, file)
  }

  const serve = async (route: NonNullable<ReturnType<typeof routeOf>>, req: IncomingMessage, res: ServerResponse) => {
    try {
      await route(req, res)
    } catch (thrown) {
      log.error({ err: thrown }, 'request failed')
      if (res.headersSent) res.destroy()
      else json(res, 500, { error: 'Internal server error' })
    }
  }

  return {
    listener(req, res, next) {
      const route = routeOf(pathOf(req))
      if (!route) return next ? next() : json(res, 404, { error: 'Not found' })
      if (stopping) return json(res.setHeader('connection', 'close'), 503, { error: 'Going away, come back' })
      open.add(res)
      res.once('close', () => open.delete(res))
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) res.setHeader(name, value)
      allowOrigin(req, res, () => void serve(route, req, res))
    },

    upgrade(req, socket, head) {
      if (pathOf(req) !== '/graphql') return false
      if (isAllowedOrigin(req, corsOrigins)) webSocket.upgrade(req, socket, head)
      else refuse(socket, '403 Forbidden')
      return true
    },

    /** Event streams are cut, because a proper end would tell their clients that nothing more is to come. */
    async [Symbol.asyncDispose]() {
      stopping = true
      for (const res of open) if (isStream(res)) res.destroy()
      await Promise.all([webSocket[Symbol.asyncDispose](), drained(open)])
      for (const res of open) res.destroy()
    },
  }
}

/** Nothing here is to be framed, or taken for what it is not. The console brings all it needs along. */
const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    'worker-src blob:',
    "connect-src 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** WebSockets know no CORS: a browser says where a page is from, and leaves it to the server to mind. */
const isAllowedOrigin = ({ headers: { origin, host } }: IncomingMessage, corsOrigins: readonly string[]): boolean =>
  origin === undefined || corsOrigins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host)

/** Answers a handshake that nobody takes. */
export const refuse = (socket: Duplex, status: string): void => {
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
}

const pathOf = (req: IncomingMessage): string => (req.url ?? '/').split('?', 1)[0] ?? '/'

const json = (res: ServerResponse, status: number, body: unknown): void => {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  res.end(JSON.stringify(body))
}

const isStream = (res: ServerResponse): boolean =>
  /^(text\/event-stream|multipart\/mixed)/.test(String(res.getHeader('content-type')))

const drained = (open: Set<ServerResponse>) =>
  new Promise<void>(resolve => {
    if (open.size === 0) return resolve()
    const timer = setTimeout(resolve, DRAIN_MS)
    for (const res of open)
      res.once('close', () => {
        if (open.size > 0) return
        clearTimeout(timer)
        resolve()
      })
  })
