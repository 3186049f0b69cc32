import type { Clock } from '../clock.js'
import { startPoller } from '../poller.js'
import type { Authenticator } from './authenticator.js'
import { expiryOf, type Session } from './session.js'

/** Why an open connection must end. */
export type SessionEnd = 'Token expired' | 'Login revoked'

/** Ends the connections that outlive their session. */
export interface SessionExpiry extends AsyncDisposable {
  /** Calls `end` once when the session is over. Returns a function that unsubscribes. */
  add(session: Session, end: (why: SessionEnd) => void): () => void
  /** Checks all sessions now, because keys changed. */
  checkNow(): void
  /** Whether a session ended before it expired. */
  isRevoked(session: Session): Promise<boolean>
}

interface Member {
  readonly session: Session
  readonly end: (why: SessionEnd) => void
}

const CHECK_EVERY_MS = 1_000
/** Anonymous sessions end only when the first key is created. */
const CHECK_ANONYMOUS_EVERY_MS = 60_000

export function createSessionExpiry(
  authenticator: Pick<Authenticator, 'isRevoked'>,
  clock: Clock,
  onError: (thrown: unknown) => void,
): SessionExpiry {
  const members = new Set<Member>()
  let nextCheck = Number.POSITIVE_INFINITY

  function checkAfter({ kind }: Session): number {
    return clock.monotonic() + (kind === 'anonymous' ? CHECK_ANONYMOUS_EVERY_MS : CHECK_EVERY_MS)
  }

  /** Checks each key once, because many connections share few keys. */
  async function round(): Promise<number | null> {
    const revoked = new Map<string | Session, Promise<boolean>>()
    nextCheck = Number.POSITIVE_INFINITY
    for (const member of members) {
      const { session, end } = member
      const login = keyOf(session) ?? session
      const asked = revoked.get(login) ?? authenticator.isRevoked(session)
      revoked.set(login, asked)
      const isExpired = (expiryOf(session) ?? Number.POSITIVE_INFINITY) <= clock.now()
      if (isExpired || (await asked)) {
        members.delete(member)
        end(isExpired ? 'Token expired' : 'Login revoked')
      } else nextCheck = Math.min(nextCheck, checkAfter(session))
    }
    return nextCheck === Number.POSITIVE_INFINITY ? null : nextCheck
  }

  const poller = startPoller({ clock, round, onError })

  return {
    add(session, end) {
      const member = { session, end }
      members.add(member)
      if (checkAfter(session) < nextCheck) poller.nudge()
      return () => void members.delete(member)
    },
    checkNow: () => poller.nudge(),
    isRevoked: authenticator.isRevoked,
    [Symbol.asyncDispose]: () => poller[Symbol.asyncDispose](),
  }
}

function keyOf(session: Session): string | null {
  const login = session.kind === 'watch-token' ? session.minter : session
  return login.kind === 'api-key' ? login.keyId : null
}
