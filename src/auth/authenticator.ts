import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import { type CallerLimits, OPEN_CALLER, type TaskRestriction } from '../tasks/caller.js'
import { type Client, createAnonymousAccess } from './anonymous-access.js'
import { CredentialError } from './credential-error.js'
import { createCredentialCheck, isOwnCredential } from './credentials.js'
import { createLoginThrottle } from './login-throttle.js'
import { createPlatformTokens, type JwtSettings } from './platform-token.js'
import type { KeyStore } from './ports.js'
import type { Minter, Session } from './session.js'
import { createWatchTokens, type MintedToken } from './watch-token.js'

export interface AuthenticatorParts {
  readonly keys: KeyStore
  /** Where the keys of requests are looked up. @default `keys` */
  readonly loginKeys?: KeyStore
  readonly clock: Clock
  readonly log: Logger
  /** `open`: requests without a credential are accepted whatever else is configured. */
  readonly mode: 'open' | null
  /** Whether the gateway is meant to be reached from other machines. @default always */
  readonly isExposed?: () => boolean
  /** The platform's token issuer; null: none. */
  readonly jwt: JwtSettings | null
  /** The limits of a caller, unless its key sets others. */
  readonly limits: CallerLimits
}

export interface Authenticator {
  /**
   * Returns the session of a credential. Throws `UNAUTHENTICATED`, or `RATE_LIMITED` after too many failures from one
   * address. A credential that is sent must be valid, even where none is required.
   *
   * @param credential as sent in `Authorization: Bearer …`, `x-api-key` or `connectionParams`; null: none was sent
   */
  authenticate(credential: string | null, client: Client): Promise<Session>
  /** Whether a session must end before it expires. Open connections check this every second. */
  isRevoked(session: Session): Promise<boolean>
  /**
   * Whether a credential means nothing to the gateway: none is required, no token issuer is configured, and the text is
   * neither an API key nor a watch token.
   */
  isForeign(credential: string): Promise<boolean>
  /** Whether requests without a credential are accepted at all. */
  isOpen(): Promise<boolean>
  /**
   * Mints a token with which a browser may read and follow some of the caller's tasks, and do nothing else. Does not
   * check that the tasks are the caller's: the token shows nothing that its caller cannot see. Throws `FORBIDDEN` and
   * `BAD_USER_INPUT`.
   *
   * @param only 1 to 100 tasks, or those of one reference
   * @param ttlSeconds how long it is valid, in whole seconds, 1 to 86,400
   */
  mintWatchToken(session: Session, only: TaskRestriction, ttlSeconds: number): Promise<MintedToken>
}

export function createAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { keys, loginKeys = keys, clock, log, mode, isExposed = () => true, jwt, limits } = parts
  const throttle = createLoginThrottle(clock)
  const anonymous = createAnonymousAccess({ keys, clock, mode, hasIssuer: jwt !== null, isExposed })
  const watchTokens = createWatchTokens({ keys, clock })
  const verify = createCredentialCheck({
    keys: loginKeys,
    clock,
    log,
    limits,
    isOpen: anonymous.isOpen,
    verifyPlatformToken: jwt && createPlatformTokens(jwt, clock),
    verifyWatchToken: watchTokens.verify,
  })

  /**
   * Logs why a credential was rejected and returns the error for the client, which says little, so that it
   * does not help guessing. Only failures are throttled: a valid credential always gets in, whatever others at its address try.
   */
  function reject({ kind, keyId, message: reason }: CredentialError, { address: from }: Client): GatewayError {
    if (kind === 'expired') return new GatewayError('UNAUTHENTICATED', 'The credential has expired.', { expired: true })
    const retryAfter = kind === 'wrong' ? throttle.retryAfter(from) : null
    if (retryAfter !== null) {
      const message = `Too many failed logins from this address; retry in ${retryAfter} s.`
      return new GatewayError('RATE_LIMITED', message, { retryAfter })
    }
    const failures = kind === 'wrong' ? throttle.failed(from) : undefined
    log.warn({ from, reason, keyId, failures }, 'login rejected')
    return new GatewayError('UNAUTHENTICATED', 'The credential is not valid.')
  }

  async function isKeyRevoked(keyId: string): Promise<boolean> {
    const key = await keys.get(keyId)
    return key === null || key.revokedAt !== null
  }

  return {
    async authenticate(credential, client) {
      if (credential === null) {
        await anonymous.check(client)
        return { kind: 'anonymous', caller: OPEN_CALLER }
      }
      return verify(credential).catch(thrown => {
        throw thrown instanceof CredentialError ? reject(thrown, client) : thrown
      })
    },

    async isRevoked(session) {
      const login: Minter | Session = session.kind === 'watch-token' ? session.minter : session
      switch (login.kind) {
        case 'api-key':
          return isKeyRevoked(login.keyId)
        case 'anonymous':
          return !(await anonymous.isOpen())
        case 'platform-token':
          return false
      }
      throw new Error(`A session has an unknown kind: ${login satisfies never}`)
    },

    isForeign: async credential => jwt === null && !isOwnCredential(credential) && (await anonymous.isOpen()),

    isOpen: anonymous.isOpen,

    async mintWatchToken(session, only, ttlSeconds) {
      const { caller } = session
      if (session.kind === 'watch-token')
        throw new GatewayError('FORBIDDEN', 'A watch token cannot mint another watch token.')
      const minter = session.kind === 'api-key' ? session : { kind: session.kind }
      // A token may outlive a short-lived platform token, but not a key.
      const until = session.kind === 'api-key' ? session.expiresAt : null
      return watchTokens.mint({ caller: caller.id, minter, only }, { ttlSeconds, until })
    },
  }
}
