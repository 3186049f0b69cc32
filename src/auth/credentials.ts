import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { type CallerLimits, type Scope, UNLIMITED } from '../tasks/caller.js'
import { isSecretOf, looksLikeApiKey, parseApiKey } from './api-key.js'
import { CredentialError } from './credential-error.js'
import type { PlatformClaims } from './platform-token.js'
import type { ApiKey, KeyStore } from './ports.js'
import type { ApiKeySession, Minter, PlatformTokenSession, WatchTokenSession } from './session.js'
import { looksLikeWatchToken, type WatchClaims } from './watch-token.js'

export interface CredentialParts {
  readonly keys: KeyStore
  readonly clock: Clock
  readonly log: Logger
  /** The limits of a caller, unless its key sets others. */
  readonly limits: CallerLimits
  readonly isOpen: () => Promise<boolean>
  readonly verifyWatchToken: (token: string) => Promise<WatchClaims>
  /** Null: the platform has no token issuer. */
  readonly verifyPlatformToken: ((token: string) => Promise<PlatformClaims>) | null
}

export type CredentialSession = ApiKeySession | WatchTokenSession | PlatformTokenSession

const READ_ONLY: ReadonlySet<Scope> = new Set(['read'])
/** A watch token creates nothing. */
const SPENDS_NOTHING = { createsPerMinute: 0, waitingTasks: 0, monthlyCredits: 0, uploadBytes: 0 }
/** Longer than any watch token; Node accepts 16 KB of headers. */
const MAX_LENGTH = 16_384

/**
 * Returns a function that turns a credential into a session, or throws a `CredentialError`. The text itself shows which
 * of three kinds it is: API keys and watch tokens are marked as such, anything else is a token of the platform's issuer.
 */
export function createCredentialCheck(parts: CredentialParts): (credential: string) => Promise<CredentialSession> {
  const { keys, clock, log, limits, isOpen, verifyWatchToken, verifyPlatformToken } = parts

  /** The expiry of a key is a date, so the wall clock decides. */
  function assertUsable(key: ApiKey): void {
    if (key.revokedAt !== null) throw new CredentialError('revoked', 'the key was revoked', key.id)
    if (key.expiresAt !== null && key.expiresAt <= clock.now())
      throw new CredentialError('expired', 'the key has expired', key.id)
  }

  async function byApiKey(credential: string): Promise<ApiKeySession> {
    const sent = parseApiKey(credential)
    if (!sent) throw new CredentialError('wrong', 'not a well-formed key')
    const key = await keys.get(sent.id)
    if (!key) throw new CredentialError('wrong', 'no such key', sent.id)
    if (!isSecretOf(sent.secret, key.hash)) throw new CredentialError('wrong', 'the secret is wrong', key.id)
    assertUsable(key)
    await keys
      .touch(key.id, clock.now())
      .catch(err => log.warn({ err, keyId: key.id }, 'last use of a key not recorded'))
    const scopes = new Set(key.scopes)
    const caller = { id: key.caller, scopes, limits: { ...limits, ...key.limits }, restriction: null }
    return { kind: 'api-key', caller, keyId: key.id, expiresAt: key.expiresAt }
  }

  /** The limits of the login that minted a watch token. Throws when that login is no longer valid. */
  async function limitsOfMinter(minter: Minter): Promise<CallerLimits> {
    switch (minter.kind) {
      case 'api-key': {
        const key = await keys.get(minter.keyId)
        if (!key) throw new CredentialError('revoked', 'its key does not exist', minter.keyId)
        assertUsable(key)
        return { ...limits, ...key.limits }
      }
      case 'anonymous':
        if (!(await isOpen())) throw new CredentialError('revoked', 'the gateway is no longer open')
        return UNLIMITED
      case 'platform-token':
        return limits
    }
    throw new Error(`A watch token has an unknown kind of minter: ${minter satisfies never}`)
  }

  async function byWatchToken(credential: string): Promise<WatchTokenSession> {
    const { caller: id, only, minter, expiresAt } = await verifyWatchToken(credential)
    const own = { ...(await limitsOfMinter(minter)), ...SPENDS_NOTHING }
    const caller = { id, scopes: READ_ONLY, limits: own, restriction: only }
    return { kind: 'watch-token', caller, minter, expiresAt }
  }

  async function byPlatformToken(credential: string): Promise<PlatformTokenSession> {
    if (!verifyPlatformToken)
      throw new CredentialError('wrong', 'neither a key nor a watch token, and no token issuer is configured')
    const { caller: id, scopes, expiresAt } = await verifyPlatformToken(credential)
    return { kind: 'platform-token', caller: { id, scopes, limits, restriction: null }, expiresAt }
  }

  return async credential => {
    if (credential.length > MAX_LENGTH) throw new CredentialError('wrong', 'too long for a credential')
    if (looksLikeApiKey(credential)) return byApiKey(credential)
    if (looksLikeWatchToken(credential)) return byWatchToken(credential)
    return byPlatformToken(credential)
  }
}

/** Whether the text claims to be an API key or a watch token of the gateway. */
export function isOwnCredential(credential: string): boolean {
  return looksLikeApiKey(credential) || looksLikeWatchToken(credential)
}
