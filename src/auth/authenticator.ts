import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { isLoopback } from '../net/address.js'
import { type CallerLimits, OPEN_CALLER, type TaskRestriction } from '../tasks/caller.js'
import { createAnonymousAccess } from './anonymous-access.js'
import { CredentialError } from './credential-error.js'
import { createCredentialCheck } from './credentials.js'
import { createLoginThrottle } from './login-throttle.js'
import { createPlatformTokens, type JwtSettings } from './platform-token.js'
import type { KeyStore } from './ports.js'
import type { Session } from './session.js'
import { createWatchTokens, type MintedToken } from './watch-token.js'

export interface AuthenticatorParts {
  readonly keys: KeyStore
  readonly clock: Clock
  readonly log: Logger
  /** `open`: whoever brings no credential is let in, whatever else is configured. */
  readonly mode: 'open' | null
  /** The platform's token issuer; null: none. */
  readonly jwt: JwtSettings | null
  /** What a caller may use, unless its key says otherwise. */
  readonly limits: CallerLimits
}

export interface Authenticator {
  /**
   * Who calls. Throws `UNAUTHENTICATED`, or `RATE_LIMITED` after too many failures from one address. A credential that is
   * sent must hold, even where none is asked for.
   *
   * @param credential what was sent as `Authorization: Bearer …`, as `x-api-key` or in `connectionParams`; null: nothing
   * @param from the remote address
   */
  authenticate(credential: string | null, from: string): Promise<Session>
  /** Whether a session that was good must end before its time: for connections that stay, to be asked every second. */
  isRevoked(session: Session): Promise<boolean>
  /** Whether those who bring no credential are let in. */
  isOpen(): Promise<boolean>
  /**
   * A token with which a browser may look at some of the caller's tasks, and do nothing else. Whether those tasks are the
   * caller's is not checked: the token opens nothing that its caller does not see. Throws `FORBIDDEN` and `BAD_USER_INPUT`.
   *
   * @param only 1 to 100 tasks, or those of one reference
   * @param ttlSeconds how long it is good, in whole seconds, 1 to 86,400
   */
  mintWatchToken(session: Session, only: TaskRestriction, ttlSeconds: number): Promise<MintedToken>
}

/** Guessing shall not pay: why a credential does not hold stands in the log. */
const NOT_VALID = 'The credential is not valid.'
const EXPIRED = 'The credential has expired.'

export const createAuthenticator = ({ keys, clock, log, mode, jwt, limits }: AuthenticatorParts): Authenticator => {
  const throttle = createLoginThrottle(clock)
  const isOpen = createAnonymousAccess({ keys, clock, mode, hasIssuer: jwt !== null })
  const watchTokens = createWatchTokens({ keys, clock })
  const verifyPlatformToken = jwt && createPlatformTokens(jwt, clock)
  const check = createCredentialCheck({
    keys,
    clock,
    log,
    limits,
    isOpen,
    verifyPlatformToken,
    verifyWatchToken: watchTokens.verify,
  })

  const withoutCredential = async (from: string): Promise<Session> => {
    if (!(await isOpen())) throw new GatewayError('UNAUTHENTICATED', 'This gateway asks for a credential.')
    if (mode !== 'open' && !isLoopback(from))
      throw new GatewayError('UNAUTHENTICATED', 'This gateway is open to its own machine only.')
    return { caller: OPEN_CALLER, expiresAt: null, keyId: null }
  }

  /** Who knows a credential is let in whatever others at the same address try; those only learn less and less often. */
  const refuse = async ({ kind, keyId, message: reason }: CredentialError, from: string): Promise<GatewayError> => {
    if (kind === 'expired') return new GatewayError('UNAUTHENTICATED', EXPIRED, { expired: true })
    const retryAfter = kind === 'wrong' ? await throttle.retryAfter(from) : null
    if (retryAfter !== null)
      return new GatewayError('RATE_LIMITED', `Too many failed logins, wait ${retryAfter} s.`, { retryAfter })
    const failures = kind === 'wrong' ? await throttle.failed(from) : undefined
    log.warn({ from, reason, keyId, failures }, 'login refused')
    return new GatewayError('UNAUTHENTICATED', NOT_VALID)
  }

  return {
    async authenticate(credential, from) {
      if (credential === null) return withoutCredential(from)
      return check(credential).catch(async thrown => {
        throw thrown instanceof CredentialError ? await refuse(thrown, from) : thrown
      })
    },

    async isRevoked({ caller, keyId }) {
      if (keyId !== null) {
        const key = await keys.get(keyId)
        return key === null || key.revokedAt !== null
      }
      return caller.id === OPEN_CALLER.id && !(await isOpen())
    },

    isOpen,

    async mintWatchToken({ caller, keyId, expiresAt }, only, ttlSeconds) {
      if (caller.restriction) throw new GatewayError('FORBIDDEN', 'A watch token cannot make another.')
      // A token outlives the short-lived token that asked for it, but not a key.
      const until = keyId === null ? null : expiresAt
      return watchTokens.mint({ caller: caller.id, keyId, only }, { ttlSeconds, until })
    },
  }
}
