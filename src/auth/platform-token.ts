import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from '../clock.js'
import { asError } from '../errors.js'
import { OPEN_CALLER, SCOPES, type Scope } from '../tasks/caller.js'
import { isCallerName } from './caller-name.js'
import { CredentialError } from './credential-error.js'

/** How the tokens (JWTs) of the platform's own issuer are checked. */
export interface JwtSettings {
  /** Its public keys by URL, or the secret it signs with, at least 32 bytes. */
  readonly key: { readonly jwksUrl: string } | { readonly secret: string }
  readonly issuer: string
  readonly audience: string
  readonly callerClaim: string
  readonly scopeClaim: string
}

/** What a token of the platform says. */
export interface PlatformClaims {
  readonly caller: string
  readonly scopes: ReadonlySet<Scope>
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** How far the clocks of the issuer and of the gateway may be apart, in seconds. */
const CLOCK_TOLERANCE_S = 5
const JWKS_TIMEOUT_MS = 5_000
/** Signatures by key pairs only: with HS256 allowed, whoever knows the public key could sign. */
const PUBLIC_KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** Answers what checks a token. It throws a `CredentialError`, or any other error where the issuer's keys cannot be had. */
export const createPlatformTokens = (settings: JwtSettings, clock: Clock) => {
  const { issuer, audience, callerClaim, scopeClaim } = settings
  const { key, algorithms } = keyOf(settings.key)

  return async (token: string): Promise<PlatformClaims> => {
    const rules = { issuer, audience, algorithms, requiredClaims: ['exp'], clockTolerance: CLOCK_TOLERANCE_S }
    const { payload } = await jwtVerify(token, key, { ...rules, currentDate: new Date(clock.now()) }).catch(refuse)
    const caller = claimOf(payload, callerClaim)
    if (!isCallerName(caller)) throw new CredentialError('wrong', `the claim ${callerClaim} names no caller`)
    // It stands for those who came without a credential, and whoever names users at the issuer must not become it.
    if (caller === OPEN_CALLER.id)
      throw new CredentialError('wrong', `the claim ${callerClaim} names the caller of an open gateway`)
    // jose has made sure that it is there.
    const expiresAt = (payload.exp! + CLOCK_TOLERANCE_S) * 1_000
    return { caller, scopes: scopesIn(claimOf(payload, scopeClaim)), expiresAt }
  }
}

const keyOf = (key: JwtSettings['key']): { key: JWTVerifyGetKey; algorithms: string[] } => {
  if ('secret' in key) {
    const secret = new TextEncoder().encode(key.secret)
    return { key: async () => secret, algorithms: ['HS256'] }
  }
  const keySet = createRemoteJWKSet(new URL(key.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS })
  const find: JWTVerifyGetKey = (header, token) =>
    keySet(header, token).catch(thrown => {
      throw isAboutToken(thrown)
        ? thrown
        : new Error(`No keys of the token issuer: ${asError(thrown).message}`, { cause: thrown })
    })
  return { key: find, algorithms: PUBLIC_KEY_ALGORITHMS }
}

/** Whether the key set was there and the token fits none of its keys. */
const isAboutToken = (thrown: unknown): boolean =>
  thrown instanceof errors.JWKSNoMatchingKey ||
  thrown instanceof errors.JWKSMultipleMatchingKeys ||
  thrown instanceof errors.JOSENotSupported

const refuse = (thrown: unknown): never => {
  if (!(thrown instanceof errors.JOSEError)) throw thrown
  throw new CredentialError(thrown instanceof errors.JWTExpired ? 'expired' : 'wrong', thrown.message)
}

const claimOf = (payload: JWTPayload, claim: string): unknown =>
  Object.hasOwn(payload, claim) ? payload[claim] : undefined

/** Issuers write scopes as one text with blanks between (RFC 8693) or as a list. Those of other services are no matter. */
const scopesIn = (claim: unknown): ReadonlySet<Scope> => {
  const named: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return new Set(SCOPES.filter(scope => named.includes(scope)))
}
