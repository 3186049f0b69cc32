import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from '../clock.js'
import { asError } from '../errors.js'
import { OPEN_CALLER, SCOPES, type Scope } from '../tasks/caller.js'
import { isCallerName } from './caller-name.js'
import { CredentialError, rethrowTokenError } from './credential-error.js'

/** How to verify the tokens (JWTs) of the platform's own issuer. */
export interface JwtSettings {
  /** The URL of the issuer's public keys, or the secret it signs with, at least 32 bytes. */
  readonly key: { readonly jwksUrl: string } | { readonly secret: string }
  readonly issuer: string
  readonly audience: string
  readonly callerClaim: string
  readonly scopeClaim: string
}

/** The content of a platform token. */
export interface PlatformClaims {
  readonly caller: string
  readonly scopes: ReadonlySet<Scope>
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The tolerated difference between the clocks of the issuer and the gateway, in seconds. */
const CLOCK_TOLERANCE_S = 5
const JWKS_TIMEOUT_MS = 5_000
/** Signatures by key pairs only: if HS256 were allowed, anyone could sign with the public key as the secret. */
const PUBLIC_KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/**
 * Returns a function that verifies a token. It throws a `CredentialError`, or any other error when the issuer's keys
 * cannot be fetched. `exp` and `nbf` are dates that the issuer sets, so they are compared with the wall clock.
 */
export function createPlatformTokens(settings: JwtSettings, clock: Clock): (token: string) => Promise<PlatformClaims> {
  const { issuer, audience, callerClaim, scopeClaim } = settings
  const { key, algorithms } = keyOf(settings.key)

  return async token => {
    const rules = { issuer, audience, algorithms, requiredClaims: ['exp'], clockTolerance: CLOCK_TOLERANCE_S }
    const currentDate = new Date(clock.now())
    const { payload } = await jwtVerify(token, key, { ...rules, currentDate }).catch(rethrowTokenError)
    const caller = claimOf(payload, callerClaim)
    if (!isCallerName(caller)) throw new CredentialError('wrong', `the claim ${callerClaim} is not a caller name`)
    // The name owns the tasks of requests without a credential; a user of that name at the issuer must not see them.
    if (caller === OPEN_CALLER.id)
      throw new CredentialError('wrong', `the claim ${callerClaim} names the caller of an open gateway`)
    // jose has checked that `exp` is there.
    const expiresAt = (payload.exp! + CLOCK_TOLERANCE_S) * 1_000
    return { caller, scopes: scopesIn(claimOf(payload, scopeClaim)), expiresAt }
  }
}

function keyOf(key: JwtSettings['key']): { key: JWTVerifyGetKey; algorithms: string[] } {
  if ('secret' in key) {
    const secret = new TextEncoder().encode(key.secret)
    return { key: async () => secret, algorithms: ['HS256'] }
  }
  const keySet = createRemoteJWKSet(new URL(key.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS })
  const find: JWTVerifyGetKey = (header, token) =>
    keySet(header, token).catch(thrown => {
      throw isAboutToken(thrown)
        ? thrown
        : new Error(`The keys of the token issuer cannot be fetched: ${asError(thrown).message}`, { cause: thrown })
    })
  return { key: find, algorithms: PUBLIC_KEY_ALGORITHMS }
}

/** Whether the key set was fetched and the token matches none of its keys. */
function isAboutToken(thrown: unknown): boolean {
  return (
    thrown instanceof errors.JWKSNoMatchingKey ||
    thrown instanceof errors.JWKSMultipleMatchingKeys ||
    thrown instanceof errors.JOSENotSupported
  )
}

function claimOf(payload: JWTPayload, claim: string): unknown {
  return Object.hasOwn(payload, claim) ? payload[claim] : undefined
}

/** Issuers write scopes as one text with blanks between (RFC 8693) or as a list. Scopes of other services are ignored. */
function scopesIn(claim: unknown): ReadonlySet<Scope> {
  const named: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return new Set(SCOPES.filter(scope => named.includes(scope)))
}
