import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Authenticator } from '../auth/authenticate.js'
import type { Session } from '../auth/session.js'
import type { Clock } from '../clock.js'
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

export const addressOf = (req: IncomingMessage): string => req.socket.remoteAddress ?? ''

/** Why an open connection must end. */
export type SessionEnd = 'Token expired' | 'Login revoked'

export interface SessionWatch extends AsyncDisposable {
  /** Calls `end` once when the session is over. Answers how to stop watching. */
  add(session: Session, end: (why: SessionEnd) => void): () => void
}

const LOOK_EVERY_MS = 1_000
/** Those that brought no credential end only when the first key is made. */
const LOOK_AT_OPEN_EVERY_MS = 60_000

/** Ends the connections that outlive their login. */
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
      end(expired ? 'Token expired' : 'Login revoked')
    }
    if (members.size === 0) return null
    const mayEndSoon = [...members.values()].some(({ session }) => session.keyId !== null || session.expiresAt !== null)
    return clock.now() + (mayEndSoon ? LOOK_EVERY_MS : LOOK_AT_OPEN_EVERY_MS)
  }
  const poller = startPoller({ clock, round, onError })

  return {
    add(session, end) {
      const member = {}
      members.set(member, { session, end })
      poller.nudge()
      return () => void members.delete(member)
    },
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  }
}
