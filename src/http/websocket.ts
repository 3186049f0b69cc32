import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Session } from '../auth/session.js'
import { addressKey } from '../net/address.js'
import { acquireAll, createSlots } from '../slots.js'
import { quotaKeys } from '../tasks/service/permissions.js'
import type { GraphQLServer, Operation } from './graphql.js'
import { credentialOfParams, type Login, type SessionExpiry } from './login.js'
import { publicError } from './public-error.js'
import { keepAlive, waitForReader } from './socket-health.js'

/** What one client, and all together, may take up. */
export interface WebSocketLimits {
  /** Sockets in all. Beyond it: closed with 1013. */
  readonly maxConnections: number
  /** Operations at a time on one socket. Beyond it: closed with 4429. */
  readonly maxOperations: number
  /** A message's size in bytes. Beyond it: closed with 1009. */
  readonly maxMessageBytes: number
  /** From the opening to `connection_init`, in milliseconds. Beyond it: closed with 4408. */
  readonly initTimeoutMs: number
}

export interface WebSocketParts {
  graphql: GraphQLServer
  login: Login
  sessions: SessionExpiry
  limits: WebSocketLimits
  log: Logger
}

/** What is known of a socket. */
interface Extra {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  /** Counts it out of those of which nobody knows yet whose they are. */
  readonly known: () => void
  /** There after `connection_init`. */
  session?: Session
}

export interface WebSocketHandler extends AsyncDisposable {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
}

const GOING_AWAY = 1001
const MESSAGE_TOO_BIG = 1009
const TOO_MANY_CONNECTIONS = 1013
/** graphql-ws leaves these to the application; in the range that its protocol uses. */
const TOO_MANY = 4429
/** graphql-ws clients give up at `Unauthorized` (4401) and come again at `Forbidden`: with a new token, they are let in. */
const SESSION_OVER = CloseCode.Forbidden

/** How long a client may take to say goodbye after a close. A dead one never does. */
const GOODBYE_MS = 2_000
/** `ws` itself drops what is larger than this many times the limit, unread and without a reason. */
const HARD_LIMIT = 8

/** GraphQL over WebSocket, by the graphql-transport-ws protocol. */
export const createWebSocketHandler = (parts: WebSocketParts): WebSocketHandler => {
  const { graphql, sessions, limits, log } = parts
  const places = createSlots()
  const strangers = createSlots()

  /** Logs a socket in; answers false when it is closed instead, with the reason. */
  const enter = async (
    params: Record<string, unknown> | undefined,
    { socket, request }: Extra,
  ): Promise<Session | false> => {
    const session = await parts.login(request, credentialOfParams(params)).catch((thrown: unknown) => {
      const { message, extensions } = publicError(thrown, log)
      if (extensions.code === 'INTERNAL_SERVER_ERROR') throw thrown
      const isOver = extensions.expired === true
      socket.close(
        extensions.code === 'RATE_LIMITED' ? TOO_MANY : isOver ? SESSION_OVER : CloseCode.Unauthorized,
        message,
      )
      return false as const
    })
    // Whoever left meanwhile takes no place: nothing would ever give it back.
    if (!session || socket.readyState !== socket.OPEN) return false
    const { limits } = session.caller
    const leave = acquireAll(places, quotaKeys(session.caller, 'sockets'))
    if (!leave) {
      socket.close(TOO_MANY, `More than ${limits.sockets} sockets of one caller`)
      return false
    }
    socket.once('close', leave)
    socket.once(
      'close',
      sessions.add(session, why => socket.close(SESSION_OVER, why)),
    )
    return session
  }

  // A name of its own, because the types of `ws` do not know `closeTimeout`.
  const options = {
    noServer: true,
    maxPayload: limits.maxMessageBytes * HARD_LIMIT,
    closeTimeout: GOODBYE_MS,
    handleProtocols,
  }
  const wss = new WebSocketServer(options)

  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: limits.initTimeoutMs,
    execute: args => (args as Operation).execute(args),
    subscribe: args => (args as Operation).subscribe(args),
    async onConnect({ connectionParams, extra }) {
      const session = await enter(connectionParams, extra)
      if (!session) return false
      extra.session = session
      extra.known()
      return true
    },
    async onSubscribe({ subscriptions, extra: { socket, request, session } }, _id, params) {
      if (Object.keys(subscriptions).length > limits.maxOperations) {
        socket.close(TOO_MANY, `More than ${limits.maxOperations} operations at a time`)
        return [new GraphQLError('Too many operations at a time.')]
      }
      if (!session) throw new Error('an operation on a socket that is not logged in')
      if (await sessions.isRevoked(session)) {
        socket.close(SESSION_OVER, 'Login revoked')
        return [new GraphQLError('The login was revoked.')]
      }
      return graphql.prepare(params, request, session).catch(thrown => [publicError(thrown, log)])
    },
    onNext: (_ctx, _id, _params, _args, result) =>
      result.errors && { ...result, errors: result.errors.map(withoutStatus) },
    onError: (_ctx, _id, _params, errors) => errors.map(error => withoutStatus(publicError(error, log))),
  })

  const open = (socket: WebSocket, request: IncomingMessage, known: () => void) => {
    const fail = (thrown: unknown) => {
      log.error({ err: thrown }, 'WebSocket message failed')
      socket.close(CloseCode.InternalServerError, 'Internal server error')
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
            if (socket.readyState !== socket.OPEN) return
            waitForReader(socket, request)
            if (data.length > limits.maxMessageBytes)
              socket.close(MESSAGE_TOO_BIG, `Message larger than ${limits.maxMessageBytes} bytes`)
            else receive(data.toString()).catch(fail)
          }),
      },
      { socket, request, known },
    )
    const stopPinging = keepAlive(socket)
    socket.once('close', (code, reason) => {
      stopPinging()
      closed(code, reason.toString()).catch(fail)
    })
  }

  return {
    upgrade(req, socket, head) {
      wss.handleUpgrade(req, socket, head, client => {
        client.on('error', error => log.debug({ err: error }, 'WebSocket failed'))
        // Who has not said who they are may not take all places.
        const known = strangers.acquire(
          addressKey(req.socket.remoteAddress ?? ''),
          Math.max(10, limits.maxConnections / 4),
        )
        if (!known || wss.clients.size > limits.maxConnections) {
          known?.()
          return client.close(TOO_MANY_CONNECTIONS, 'Too many connections, try later')
        }
        client.once('close', known)
        open(client, req, known)
      })
    },
    async [Symbol.asyncDispose]() {
      const allGone = new Promise<void>(resolve => wss.close(() => resolve()))
      for (const client of wss.clients) client.close(GOING_AWAY, 'Going away, come back')
      await allGone
    },
  }
}

/** `extensions.http` is the HTTP server's. */
const withoutStatus = (error: GraphQLError): GraphQLFormattedError => {
  const { extensions, ...rest } = error.toJSON()
  const { http: _, ...seen } = extensions ?? {}
  return { ...rest, extensions: seen }
}
