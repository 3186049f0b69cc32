import type { IncomingMessage } from 'node:http'
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
import { makeServer, type Server } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import type { WebSocket } from 'ws'
import type { Session } from '../auth/session.js'
import type { SessionExpiry } from '../auth/session-expiry.js'
import type { GraphQLServer, Operation } from './graphql.js'
import { withoutHttp } from './graphql-error.js'
import type { ResultStream } from './shared-subscribe.js'
import { deliverResults } from './socket-delivery.js'
import { SESSION_OVER, type SocketLogin, TOO_MANY } from './socket-login.js'

/** What belongs to one socket. */
export interface SocketContext {
  readonly socket: WebSocket
  /** The handshake; null once the caller is known. */
  request: IncomingMessage | null
  /** Releases the slot of a socket whose caller is not known yet. */
  readonly identified: () => void
  /** Set by `connection_init`. */
  session?: Session
}

export interface SocketServerParts {
  graphql: GraphQLServer
  login: SocketLogin
  sessions: Pick<SessionExpiry, 'isRevoked'>
  initTimeoutMs: number
  /** Operations at a time on one socket. */
  maxOperations: number
}

export type SocketServer = Server<SocketContext>

/** The graphql-transport-ws protocol on top of the gateway's GraphQL engine. */
export function createSocketServer(parts: SocketServerParts): SocketServer {
  const { graphql, login, sessions, initTimeoutMs, maxOperations } = parts
  return makeServer<Record<string, unknown>, SocketContext>({
    connectionInitWaitTimeout: initTimeoutMs,
    execute: args => (args as Operation).execute(),
    subscribe: args => (args as Operation).subscribe(),

    async onConnect({ connectionParams, extra }) {
      const { socket, request } = extra
      if (!request) throw new Error('a second login on one socket')
      const session = await login(connectionParams, socket, request)
      if (!session) return false
      extra.request = null
      extra.session = session
      extra.identified()
      return true
    },

    async onSubscribe({ subscriptions, extra: { socket, session } }, _id, params) {
      if (Object.keys(subscriptions).length > maxOperations) {
        socket.close(TOO_MANY, `Limit of ${maxOperations} operations at a time reached`)
        return [new GraphQLError('Too many operations at a time.')]
      }
      if (!session) throw new Error('an operation on a socket that is not logged in')
      if (await sessions.isRevoked(session)) {
        socket.close(SESSION_OVER, 'Login revoked')
        return [new GraphQLError('The login was revoked.')]
      }
      return graphql.prepare(params, session).catch(thrown => [graphql.publicError(thrown)])
    },

    onOperation: ({ extra: { socket } }, id, _params, _args, result) =>
      isAsyncIterable(result) ? deliverResults(result as ResultStream, { socket, id, toPayload }) : undefined,
    onNext: (_context, _id, _params, _args, result) => toPayload(result as ExecutionResult),
    onError: (_context, _id, _params, errors) => errors.map(error => formatted(graphql.publicError(error))),
  })
}

/** A result as clients see it. */
function toPayload(result: ExecutionResult): object {
  return result.errors ? { ...result, errors: result.errors.map(formatted) } : result
}

function formatted(error: GraphQLError): GraphQLFormattedError {
  return withoutHttp(error).toJSON()
}
