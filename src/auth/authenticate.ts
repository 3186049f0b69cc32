import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { type CallerLimits, OPEN_CALLER, type WatchOnly } from '../tasks/caller.js'
import type { KeyStore } from './ports.js'
import type { Session } from './session.js'

export interface AuthenticatorParts {
  readonly keys: KeyStore
  readonly clock: Clock
  readonly log: Logger
  readonly mode: 'open' | null
  readonly jwt: JwtSettings | null
  readonly limits: CallerLimits
}

/** How the tokens of the platform's own issuer are checked. */
export interface JwtSettings {
  readonly keys: { readonly jwksUrl: string } | { readonly secret: string }
  readonly issuer: string
  readonly audience: string
  readonly callerClaim: string
  readonly scopeClaim: string
}

export interface WatchTokenRequest {
  readonly only: WatchOnly
  /** How long it is good, in whole seconds, 1 to 86,400. */
  readonly ttlSeconds: number
}

export interface Authenticator {
  /**
   * @param credential what was sent as `Authorization: Bearer …`, `x-api-key` or in `connectionParams`; null: nothing
   * @param from the remote address
   */
  authenticate(credential: string | null, from: string): Promise<Session>
  /** Whether a session that was good must end before its time. */
  isRevoked(session: Session): Promise<boolean>
  mintWatchToken(session: Session, request: WatchTokenRequest): Promise<{ token: string; expiresAt: number }>
}

export const createAuthenticator = (_parts: AuthenticatorParts): Authenticator => ({
  async authenticate(credential) {
    if (credential !== null) throw new GatewayError('UNAUTHENTICATED', 'The credential is not valid.')
    return { caller: OPEN_CALLER, expiresAt: null, keyId: null }
  },
  isRevoked: async () => false,
  mintWatchToken: async () => {
    throw new GatewayError('FORBIDDEN', 'Watch tokens cannot be made here.')
  },
})
