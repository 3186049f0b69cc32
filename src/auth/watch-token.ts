import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import { badInput } from '../errors.js'
import type { TaskRestriction } from '../tasks/caller.js'
import { rethrowTokenError } from './credential-error.js'
import type { KeyStore } from './ports.js'
import type { Minter } from './session.js'
import { createSigningKey } from './signing-key.js'

/**
 * Watch tokens are what a caller's server hands to a browser: JWTs that only the gateway signs and reads, valid for a
 * limited time and for some tasks only. Their own secret, issuer, audience and type keep them apart from the tokens of the
 * platform's issuer, whatever that issuer writes into its own.
 */
const TYPE = 'lipsync-watch+jwt'
const ISSUER = 'lipsync-gateway'
const AUDIENCE = 'lipsync-gateway/watch'
const ALGORITHM = 'HS256'
/** The name of the secret in the store. */
const SECRET = 'watch-tokens'

const MAX_TASKS = 100
/** Also the longest reference of a task. */
const MAX_REFERENCE_LENGTH = 200
const MAX_TTL_S = 86_400

export interface WatchClaims {
  readonly caller: string
  readonly only: TaskRestriction
  readonly minter: Minter
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface MintedToken {
  readonly token: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface Lifetime {
  /** Whole seconds, 1 to 86,400. */
  readonly ttlSeconds: number
  /** The latest moment at which it expires, in milliseconds since the Unix epoch; null: no such moment. */
  readonly until: number | null
}

const payloadSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  minter: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('anonymous') }),
    z.object({ kind: z.literal('api-key'), keyId: z.string() }),
    z.object({ kind: z.literal('platform-token') }),
  ]),
  only: z.union([
    z.object({ taskIds: z.array(z.string()) }),
    z.object({ reference: z.string() }),
    z.object({ batchId: z.string() }),
  ]),
})

/** Whether the text claims to be a watch token. */
export function looksLikeWatchToken(text: string): boolean {
  try {
    return decodeProtectedHeader(text).typ === TYPE
  } catch {
    return false
  }
}

export interface WatchTokens {
  /** Throws `BAD_USER_INPUT`. */
  mint(claims: Omit<WatchClaims, 'expiresAt'>, lifetime: Lifetime): Promise<MintedToken>
  /** Throws a `CredentialError`. */
  verify(token: string): Promise<WatchClaims>
}

/** The expiry of a token is a date that it carries, so it is compared with the wall clock. */
export function createWatchTokens({ keys, clock }: { keys: KeyStore; clock: Clock }): WatchTokens {
  const signingKey = createSigningKey(keys, SECRET)

  return {
    async mint({ caller, minter, only }, { ttlSeconds, until }) {
      checkRequest(only, ttlSeconds)
      const now = Math.floor(clock.now() / 1_000)
      const exp = Math.min(now + ttlSeconds, Math.floor((until ?? Number.POSITIVE_INFINITY) / 1_000))
      const token = await new SignJWT({ minter: minterClaim(minter), only })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(caller)
        .setIssuedAt(now)
        .setExpirationTime(exp)
        .sign(await signingKey())
      return { token, expiresAt: exp * 1_000 }
    },

    async verify(token) {
      const rules = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, algorithms: [ALGORITHM], requiredClaims: ['exp'] }
      const now = { currentDate: new Date(clock.now()) }
      const { payload } = await jwtVerify(token, await signingKey(), { ...rules, ...now }).catch(rethrowTokenError)
      const { sub, exp, minter, only } = payloadSchema.parse(payload)
      return { caller: sub, only, minter, expiresAt: exp * 1_000 }
    },
  }
}

/** Only what identifies the minter: a session has more fields. */
function minterClaim(minter: Minter): Minter {
  return minter.kind === 'api-key' ? { kind: minter.kind, keyId: minter.keyId } : { kind: minter.kind }
}

function checkRequest(only: TaskRestriction, ttlSeconds: number): void {
  if ('taskIds' in only && (only.taskIds.length === 0 || only.taskIds.length > MAX_TASKS))
    throw badInput('taskIds', `taskIds must have 1 to ${MAX_TASKS} items`)
  if ('reference' in only && (only.reference === '' || only.reference.length > MAX_REFERENCE_LENGTH))
    throw badInput('reference', `reference must have 1 to ${MAX_REFERENCE_LENGTH} characters`)
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_S)
    throw badInput('ttlSeconds', `ttlSeconds must be a whole number from 1 to ${MAX_TTL_S}`)
}
