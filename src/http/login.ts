import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Authenticator } from '../auth/authenticator.js'
import type { Session } from '../auth/session.js'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { hostnameOf, isLoopback } from '../net/address.js'
import { startPoller } from '../poller.js'

/** What a request shows of who sends it: a Bearer token or an API key; null: nothing. Other schemes are others' business. */
export const credentialOf = ({ authorization, 'x-api-key': apiKey }: IncomingHttpHeaders): string | null => {
  const bearer = /^Bearer\b *(.*)$/i.exec(authorization ?? '')?.[1]
  return bearer ?? (typeof apiKey === 'string' ? apiKey : null)
}

/** The same from a WebSocket's `connectionParams`, which name it like the headers, in any case. */
export const credentialOfParams = (params: Readonly<Record<string, unknown>> = {}): string | null => {
  const named = Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
  )
  return credentialOf(Object.fromEntries(named))
}

/** Finds out who sends a request. Throws as `Authenticator.authenticate` does. */
export type Login = (req: IncomingMessage, credential: string | null) => Promise<Session>

export interface LoginParts {
  authenticator: Authenticator
  /** Whether everybody is let in, from everywhere. */
  openToAll: boolean
}

/**
 * Who brings no credential must be on this machine, and show it: call the gateway by a loopback name, for a web page's
 * owner can let the page's own name lead to 127.0.0.1; and not through a proxy, for then anybody may be behind it.
 */
export const createLogin =
  ({ authenticator, openToAll }: LoginParts): Login =>
  async (req, credential) => {
    const { host = '', forwarded, 'x-forwarded-for': forwardedFor } = req.headers
    const isOwnName = URL.canParse(`http://${host}`) && isLoopback(hostnameOf(`http://${host}`))
    if (credential === null && !openToAll && (!isOwnName || forwarded || forwardedFor))
      throw new GatewayError('UNAUTHENTICATED', 'Without a credential this gateway answers its own machine only.')
    return authenticator.authenticate(credential, req.socket.remoteAddress ?? '')
  }

/** Why an open connection must end. */
export type SessionEnd = 'Token expired' | 'Login revoked'

export interface SessionExpiry extends AsyncDisposable {
  /** Calls `end` once when the session is over. Answers how to stop watching. */
  add(session: Session, end: (why: SessionEnd) => void): () => void
  /** Whether a session that did not expire is over all the same. */
  isRevoked(session: Session): Promise<boolean>
}

const LOOK_EVERY_MS = 1_000
/** Those that brought no credential end only when the first key is made. */
const LOOK_AT_OPEN_EVERY_MS = 60_000

/** Ends the connections that outlive their login. */
export const createSessionExpiry = (
  authenticator: Authenticator,
  clock: Clock,
  onError: (thrown: unknown) => void,
): SessionExpiry => {
  const members = new Map<object, { session: Session; end: (why: SessionEnd) => void }>()

  let lookAt = Number.POSITIVE_INFINITY
  const nextLook = ({ keyId, expiresAt }: Session) =>
    clock.now() + (keyId === null && expiresAt === null ? LOOK_AT_OPEN_EVERY_MS : LOOK_EVERY_MS)

  const round = async () => {
    // Many connections stand on few keys: each is asked about once. Those without a key are cheap to ask one by one.
    const revoked = new Map<string | Session, Promise<boolean>>()
    lookAt = Number.POSITIVE_INFINITY
    for (const [member, { session, end }] of members) {
      const expired = session.expiresAt !== null && session.expiresAt <= clock.now()
      const login = session.keyId ?? session
      const asked = revoked.get(login) ?? authenticator.isRevoked(session)
      revoked.set(login, asked)
      if (expired || (await asked)) {
        members.delete(member)
        end(expired ? 'Token expired' : 'Login revoked')
      } else lookAt = Math.min(lookAt, nextLook(session))
    }
    return lookAt === Number.POSITIVE_INFINITY ? null : lookAt
  }
  const poller = startPoller({ clock, round, onError })

  return {
    add(session, end) {
      const member = {}
      members.set(member, { session, end })
      if (nextLook(session) < lookAt) poller.nudge()
      return () => void members.delete(member)
    },
    isRevoked: authenticator.isRevoked,
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  }
}
