import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { CloseCode, handleProtocols } from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Authenticator } from '../auth/authenticator.js'
import type { SessionExpiry } from '../auth/session-expiry.js'
import type { Clock } from '../clock.js'
import { addressKey } from '../net/address.js'
import { createSlots, type Slots } from '../slots.js'
import type { GraphQLServer } from './graphql.js'
import type { Origins } from './origins.js'
import { sendFlushed } from './socket-delivery.js'
import { createKeepAlive, waitForReader } from './socket-health.js'
import { createSocketLogin } from './socket-login.js'
import { createSocketServer } from './socket-server.js'

/** What one client, and all of them together, may use. */
export interface WebSocketLimits {
  /** Sockets in all. One more is closed with 1013. */
  readonly maxConnections: number
  /** Operations at a time on one socket. One more closes it with 4429. */
  readonly maxOperations: number
  /** The size of a message in bytes. A larger one closes the socket with 1009. */
  readonly maxMessageBytes: number
  /** Time from the opening to `connection_init`, in milliseconds. Later, the socket is closed with 4408. */
  readonly initTimeoutMs: number
}

export interface WebSocketParts {
  graphql: GraphQLServer
  authenticator: Pick<Authenticator, 'authenticate'>
  sessions: SessionExpiry
  /** The sockets of all callers. */
  sockets: Slots
  origins: Origins
  limits: WebSocketLimits
  clock: Clock
  log: Logger
}

export interface WebSocketHandler extends AsyncDisposable {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

const GOING_AWAY = 1001
/** Over how long the closing of many WebSockets is spread, so that not all of them connect elsewhere at once. */
const SPREAD_MS = 1_000
const MESSAGE_TOO_BIG = 1009
const TRY_AGAIN_LATER = 1013

/** How long a client may take to complete a close. A dead one never does. */
const CLOSE_TIMEOUT_MS = 2_000
/** `ws` itself drops a message beyond this multiple of the limit, without reading it or giving a reason. */
const HARD_LIMIT_FACTOR = 8
/** Sockets that one address may hold before they have identified their callers, and the least of them. */
const UNIDENTIFIED_SHARE = 1 / 4
const MIN_UNIDENTIFIED = 10

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export function createWebSocketHandler(parts: WebSocketParts): WebSocketHandler {
  const { graphql, authenticator, sessions, sockets, origins, limits, clock, log } = parts
  const unidentified = createSlots()
  const keepAlive = createKeepAlive(clock)
  const maxUnidentified = Math.max(MIN_UNIDENTIFIED, limits.maxConnections * UNIDENTIFIED_SHARE)
  // A constant of its own, because the types of `ws` lack `closeTimeout`.
  const options = {
    noServer: true,
    maxPayload: limits.maxMessageBytes * HARD_LIMIT_FACTOR,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols,
  }
  const webSockets = new WebSocketServer(options)
  const server = createSocketServer({
    graphql,
    login: createSocketLogin({ authenticator, sessions, sockets, origins }),
    sessions,
    initTimeoutMs: limits.initTimeoutMs,
    maxOperations: limits.maxOperations,
  })

  /** Reports a failure of the gateway while it handled a message. */
  function fail(socket: WebSocket, thrown: unknown): void {
    log.error({ err: thrown }, 'WebSocket message failed')
    socket.close(CloseCode.InternalServerError, 'Internal server error')
  }

  function receive(data: Buffer, handle: (text: string) => Promise<void>, socket: WebSocket, connection: Socket): void {
    if (socket.readyState !== socket.OPEN) return
    waitForReader(socket, connection)
    if (data.length > limits.maxMessageBytes)
      socket.close(MESSAGE_TOO_BIG, `Message larger than ${limits.maxMessageBytes} bytes`)
    else handle(data.toString()).catch(thrown => fail(socket, thrown))
  }

  function open(socket: WebSocket, request: IncomingMessage, identified: () => void): void {
    // No listener refers to the request itself, which is not needed after the login.
    const { socket: connection } = request
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: data => sendFlushed(socket, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: handle => socket.on('message', (data: Buffer) => receive(data, handle, socket, connection)),
      },
      { socket, request, identified },
    )
    keepAlive(socket)
    socket.once('close', (code, reason) => {
      closed(code, reason.toString()).catch(thrown => fail(socket, thrown))
    })
  }

  function accept(socket: WebSocket, request: IncomingMessage): void {
    socket.on('error', error => log.debug({ err: error }, 'WebSocket failed'))
    const identified = unidentified.acquire(addressKey(request.socket.remoteAddress ?? ''), maxUnidentified)
    if (!identified || webSockets.clients.size > limits.maxConnections) {
      identified?.()
      socket.close(TRY_AGAIN_LATER, 'Too many connections, try later')
      return
    }
    socket.once('close', identified)
    open(socket, request, identified)
  }

  return {
    upgrade(req, socket, head) {
      webSockets.handleUpgrade(req, socket, head, client => accept(client, req))
    },
    async [Symbol.asyncDispose]() {
      const allClosed = new Promise<void>(resolve => webSockets.close(() => resolve()))
      const clients = [...webSockets.clients]
      const delayMs = Math.min(SPREAD_MS / clients.length, 1)
      for (const [index, client] of clients.entries())
        setTimeout(() => client.close(GOING_AWAY, 'Going away, come back'), index * delayMs)
      await allClosed
    },
  }
}
