import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import cors from 'cors'
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
  const { graphql, webSocket, readiness, mediaFile, corsOrigins } = parts
  const allowOrigin = cors({ origin: [...corsOrigins], methods: ['GET', 'POST'], maxAge: 600 })
  const open = new Set<ServerResponse>()

  const route = async (req: IncomingMessage, res: ServerResponse, next?: () => void): Promise<void> => {
    const path = pathOf(req)
    if (path === '/graphql') return graphql.handle(req, res)
    if (path === '/health') return json(res, 200, { status: 'alive' })
    if (path === '/ready') {
      const { ready, checks } = await readiness()
      return json(res, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks })
    }
    const file = path.startsWith('/media/') ? mediaFile(path) : null
    if (file) return sendFile(req, res, file)
    if (next) return next()
    json(res, 404, { error: 'Not found' })
  }

  return {
    listener(req, res, next) {
      open.add(res)
      res.once('close', () => open.delete(res))
      allowOrigin(req, res, () => {
        route(req, res, next).catch(() => {
          if (res.headersSent) res.destroy()
          else json(res, 500, { error: 'Internal server error' })
        })
      })
    },

    upgrade(req, socket, head) {
      if (pathOf(req) !== '/graphql') return false
      const { origin, host } = req.headers
      if (origin && !corsOrigins.includes(origin) && URL.canParse(origin) && new URL(origin).host !== host)
        socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      else webSocket.upgrade(req, socket, head)
      return true
    },

    /** Event streams are cut, because a proper end would tell their clients that nothing more is to come. */
    async [Symbol.asyncDispose]() {
      const isStream = (res: ServerResponse) => String(res.getHeader('content-type')).startsWith('text/event-stream')
      for (const res of open) if (isStream(res)) res.destroy()
      await Promise.all([webSocket[Symbol.asyncDispose](), drained(open)])
      for (const res of open) res.destroy()
    },
  }
}

/** Listens on a port of its own. Disposing stops taking connections and closes the idle ones. */
export const startServer = async (router: Router, { host, port }: { host: string; port: number }) => {
  const server = createServer(router.listener)
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (!router.upgrade(req, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      await router[Symbol.asyncDispose]()
      server.closeAllConnections()
      await closed
    },
  }
}

const pathOf = (req: IncomingMessage): string => (req.url ?? '/').split('?', 1)[0] ?? '/'

const json = (res: ServerResponse, status: number, body: unknown): void => {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  res.end(JSON.stringify(body))
}

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
