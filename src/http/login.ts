import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Authenticator } from '../auth/authenticate.js'
import type { Session } from '../auth/session.js'
import type { Clock } from '../clock.js'
import { startPoller } from '../poller.js'

/** What a request shows of who sends it: a Bearer token or an API key; null: nothing. */
export const credentialOf = ({ authorization, 'x-api-key': apiKey }: IncomingHttpHeaders): string | null => {
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return bearer ?? (typeof apiKey === 'string' ? apiKey : null)
}

/** The same from a WebSocket's `connectionParams`, which name it like the headers, in any case. */
export const credentialOfParams = (params: Readonly<Record<string, unknown>> = {}): string | null => {
  const named = Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
  )
  return credentialOf(Object.fromEntries(named))
}

export const addressOf = (req: IncomingMessage): string => req.socket.remoteAddress ?? ''

/** Why an open connection must end. */
export type SessionEnd = 'Token expired' | 'Key revoked'

export interface SessionWatch extends AsyncDisposable {
  /** Calls `end` once when the session is over. Answers how to stop watching. */
  add(session: Session, end: (why: SessionEnd) => void): () => void
}

const LOOK_EVERY_MS = 1_000

/**
 * Ends the connections that outlive their login: looks every second, as long as there is one that may. Those of an open
 * gateway are not watched; on a WebSocket each of their operations is asked.
 */
export const watchSessions = (
  authenticator: Authenticator,
  clock: Clock,
  onError: (thrown: unknown) => void,
): SessionWatch => {
  const members = new Map<object, { session: Session; end: (why: SessionEnd) => void }>()

  const round = async () => {
    for (const [member, { session, end }] of members) {
      const expired = session.expiresAt !== null && session.expiresAt <= clock.now()
      if (!expired && !(await authenticator.isRevoked(session))) continue
      members.delete(member)
      end(expired ? 'Token expired' : 'Key revoked')
    }
    return members.size > 0 ? clock.now() + LOOK_EVERY_MS : null
  }
  const poller = startPoller({ clock, round, onError })

  return {
    add(session, end) {
      if (session.expiresAt === null && session.keyId === null) return () => {}
      const member = {}
      members.set(member, { session, end })
      poller.nudge()
      return () => void members.delete(member)
    },
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  }
}
