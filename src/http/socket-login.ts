import type { IncomingMessage } from 'node:http'
import { CloseCode } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Authenticator } from '../auth/authenticator.js'
import type { Session } from '../auth/session.js'
import type { SessionExpiry } from '../auth/session-expiry.js'
import { GatewayError } from '../errors.js'
import { acquireAll, type Slots } from '../slots.js'
import { quotaKeys } from '../tasks/service/permissions.js'
import type { Origins } from './origins.js'
import { clientOf, credentialOfParams } from './request-login.js'

/** graphql-ws leaves this code to the application; it is in the range that the protocol uses. */
export const TOO_MANY = 4429
/** graphql-ws clients give up at `Unauthorized` (4401) and reconnect at `Forbidden`, for which a new token helps. */
export const SESSION_OVER = CloseCode.Forbidden

/** Logs a socket in. Returns null when it closed the socket instead, with the reason, or when the client has left. */
export type SocketLogin = (
  params: Readonly<Record<string, unknown>> | undefined,
  socket: WebSocket,
  request: IncomingMessage,
) => Promise<Session | null>

export interface SocketLoginParts {
  authenticator: Pick<Authenticator, 'authenticate'>
  sessions: SessionExpiry
  /** The sockets of all callers. */
  sockets: Slots
  origins: Origins
}

export function createSocketLogin(parts: SocketLoginParts): SocketLogin {
  const { authenticator, sessions, sockets, origins } = parts

  async function authenticate(
    params: Readonly<Record<string, unknown>> | undefined,
    request: IncomingMessage,
  ): Promise<Session> {
    const credential = credentialOfParams(params)
    if (credential === null && (await origins.isForeignPage(request.headers)))
      throw new GatewayError('FORBIDDEN', 'Connections from pages of this origin need a credential.')
    return authenticator.authenticate(credential, clientOf(request))
  }

  return async (params, socket, request) => {
    let session: Session
    try {
      session = await authenticate(params, request)
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown
      socket.close(closeCodeOf(thrown), thrown.message)
      return null
    }
    // A slot that a closed socket takes would never be released.
    if (socket.readyState !== socket.OPEN) return null
    const release = acquireAll(sockets, quotaKeys(session.caller, 'sockets'))
    if (!release) {
      socket.close(TOO_MANY, `Socket limit of ${session.caller.limits.sockets} per caller reached`)
      return null
    }
    const stopWatching = sessions.add(session, why => socket.close(SESSION_OVER, why))
    socket.once('close', () => {
      release()
      stopWatching()
    })
    return session
  }
}

function closeCodeOf({ code, details }: GatewayError): number {
  if (code === 'RATE_LIMITED') return TOO_MANY
  return details.expired === true ? SESSION_OVER : CloseCode.Unauthorized
}
