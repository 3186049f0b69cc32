import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { type CallerLimits, OPEN_CALLER, type Scope, UNLIMITED } from '../tasks/caller.js'
import { isSecretOf, looksLikeApiKey, parseApiKey } from './api-key.js'
import { CredentialError } from './credential-error.js'
import type { PlatformClaims } from './platform-token.js'
import type { ApiKey, KeyStore } from './ports.js'
import type { Session } from './session.js'
import { looksLikeWatchToken, type WatchClaims } from './watch-token.js'

export interface CredentialParts {
  readonly keys: KeyStore
  readonly clock: Clock
  readonly log: Logger
  /** What a caller may use, unless its key says otherwise. */
  readonly limits: CallerLimits
  readonly isOpen: () => Promise<boolean>
  readonly verifyWatchToken: (token: string) => Promise<WatchClaims>
  /** Null: the platform has no token issuer. */
  readonly verifyPlatformToken: ((token: string) => Promise<PlatformClaims>) | null
}

const READ_ONLY: ReadonlySet<Scope> = new Set(['read'])
/** Whoever only looks spends nothing. */
const SPENDS_NOTHING = { createsPerMinute: 0, waitingTasks: 0, monthlyCredits: 0 }
/** Longer than any watch token; Node takes 16 KB of headers. */
const LONGEST = 16_384

/**
 * Answers what makes a session of a credential, or throws a `CredentialError`. There are three kinds, and each says of itself which
 * it is: API keys, watch tokens, and tokens of the platform's own issuer.
 */
export const createCredentialCheck = (parts: CredentialParts) => {
  const { keys, clock, log, limits, isOpen, verifyWatchToken, verifyPlatformToken } = parts

  const assertUsable = (key: ApiKey) => {
    if (key.revokedAt !== null) throw new CredentialError('revoked', 'the key was revoked', key.id)
    if (key.expiresAt !== null && key.expiresAt <= clock.now())
      throw new CredentialError('expired', 'the key expired', key.id)
  }

  const byApiKey = async (credential: string): Promise<Session> => {
    const sent = parseApiKey(credential)
    if (!sent) throw new CredentialError('wrong', 'not the form of a key')
    const key = await keys.get(sent.id)
    if (!key) throw new CredentialError('wrong', 'no such key', sent.id)
    if (!isSecretOf(sent.secret, key.hash)) throw new CredentialError('wrong', 'the secret is wrong', key.id)
    assertUsable(key)
    await keys.touch(key.id, clock.now()).catch(err => log.warn({ err, keyId: key.id }, 'use of a key not noted'))
    const caller = {
      id: key.caller,
      scopes: new Set(key.scopes),
      limits: { ...limits, ...key.limits },
      restriction: null,
    }
    return { caller, expiresAt: key.expiresAt, keyId: key.id }
  }

  /** A token is good as long as what it was minted with: the key, or the openness of the gateway. */
  const limitsOfMinter = async ({ caller, keyId }: WatchClaims): Promise<CallerLimits> => {
    if (keyId !== null) {
      const key = await keys.get(keyId)
      if (!key) throw new CredentialError('revoked', 'its key is gone', keyId)
      assertUsable(key)
      return { ...limits, ...key.limits }
    }
    if (caller !== OPEN_CALLER.id) return limits
    if (!(await isOpen())) throw new CredentialError('revoked', 'the gateway is open no more')
    return UNLIMITED
  }

  const byWatchToken = async (credential: string): Promise<Session> => {
    const claims = await verifyWatchToken(credential)
    const { caller: id, only, keyId, expiresAt } = claims
    const own = { ...(await limitsOfMinter(claims)), ...SPENDS_NOTHING }
    return { caller: { id, scopes: READ_ONLY, limits: own, restriction: only }, expiresAt, keyId }
  }

  return async (credential: string): Promise<Session> => {
    if (credential.length > LONGEST) throw new CredentialError('wrong', 'too long for a credential')
    if (looksLikeApiKey(credential)) return byApiKey(credential)
    if (looksLikeWatchToken(credential)) return byWatchToken(credential)
    if (!verifyPlatformToken)
      throw new CredentialError('wrong', 'neither a key nor a watch token, and no token issuer is configured')
    const { caller: id, scopes, expiresAt } = await verifyPlatformToken(credential)
    return { caller: { id, scopes, limits, restriction: null }, expiresAt, keyId: null }
  }
}
