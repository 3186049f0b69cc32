import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import { handleProtocols, makeServer } from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import type { GraphQLServer } from './graphql.js'

/** What one client, and all together, may take up. */
export interface WebSocketLimits {
  /** Sockets in all. Beyond it: closed with 1013. */
  readonly connections: number
  /** Operations at a time on one socket. Beyond it: closed with 4429. */
  readonly operations: number
  /** A message's size in bytes. Beyond it: closed with 1009. */
  readonly messageBytes: number
  /** From the opening to `connection_init`, in milliseconds. Beyond it: closed with 4408. */
  readonly initTimeoutMs: number
}

export interface WebSocketHandler extends AsyncDisposable {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Close codes that graphql-ws leaves to the application, within the range that its protocol uses. */
const TOO_MANY_OPERATIONS = 4429
const TOO_MANY_CONNECTIONS = 1013
const MESSAGE_TOO_BIG = 1009
const GOING_AWAY = 1001

/** A client that answers no ping for this long is gone. */
const PING_MS = 12_000
/** How long a client may take to say goodbye at the shutdown. A dead one never does. */
const GOODBYE_MS = 2_000
/** `ws` itself drops what is larger than this many times the limit, unread and without a reason. */
const HARD_LIMIT = 8

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export const createWebSocketHandler = (
  graphql: GraphQLServer,
  limits: WebSocketLimits,
  log: Logger,
): WebSocketHandler => {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes * HARD_LIMIT,
    handleProtocols,
  })

  const server = makeServer<Record<string, unknown>, { socket: WebSocket; request: IncomingMessage }>({
    connectionInitWaitTimeout: limits.initTimeoutMs,
    execute: args => (args as EnvelopedArgs).execute(args),
    subscribe: args => (args as EnvelopedArgs).subscribe(args),
    async onSubscribe({ subscriptions, extra }, _id, params) {
      if (Object.keys(subscriptions).length > limits.operations) {
        extra.socket.close(TOO_MANY_OPERATIONS, `More than ${limits.operations} operations at a time`)
        return [new GraphQLError('Too many operations at a time.')]
      }
      return graphql.prepare(params, extra.request)
    },
  })

  wss.on('connection', (socket, request) => {
    let alive = true
    const ping = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
    }, PING_MS)
    socket.on('pong', () => {
      alive = true
    })
    const fail = (thrown: unknown) => {
      log.error({ err: thrown }, 'WebSocket message failed')
      socket.close(4500, 'Internal server error')
    }
    const closed = server.opened(
      {
        protocol: socket.protocol,
        // Waits for the flush, so that a client that does not read holds back its own subscriptions and nothing else.
        send: data =>
          new Promise((resolve, reject) => {
            if (socket.readyState !== socket.OPEN) return resolve()
            socket.send(data, error => (error ? reject(error) : resolve()))
          }),
        close: (code, reason) => socket.close(code, reason),
        onMessage: receive =>
          socket.on('message', (data: Buffer) => {
            if (data.length > limits.messageBytes)
              socket.close(MESSAGE_TOO_BIG, `Message larger than ${limits.messageBytes} bytes`)
            else receive(data.toString()).catch(fail)
          }),
      },
      { socket, request },
    )
    socket.on('error', error => log.debug({ err: error }, 'WebSocket failed'))
    socket.once('close', (code, reason) => {
      clearInterval(ping)
      closed(code, reason.toString()).catch(fail)
    })
  })

  return {
    upgrade(req, socket, head) {
      wss.handleUpgrade(req, socket, head, client => {
        if (wss.clients.size > limits.connections) client.close(TOO_MANY_CONNECTIONS, 'Too many connections, try later')
        else wss.emit('connection', client, req)
      })
    },
    async [Symbol.asyncDispose]() {
      wss.close()
      for (const client of wss.clients) client.close(GOING_AWAY, 'Going away, come back')
      await goodbye(wss.clients)
      for (const client of wss.clients) client.terminate()
    },
  }
}

type EnvelopedArgs = ExecutionArgs & {
  execute: typeof import('graphql').execute
  subscribe: typeof import('graphql').subscribe
}

/** Resolves when all clients are gone, or when those who are left had their time. */
const goodbye = (clients: Set<WebSocket>) =>
  new Promise<void>(resolve => {
    if (clients.size === 0) return resolve()
    const timer = setTimeout(resolve, GOODBYE_MS)
    for (const client of clients)
      client.once('close', () => {
        // The server forgets a client after its own listeners: the last one is still counted here.
        if (clients.size > 1) return
        clearTimeout(timer)
        resolve()
      })
  })
