import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import { badInput } from '../errors.js'
import type { TaskRestriction } from '../tasks/caller.js'
import { CredentialError } from './credential-error.js'
import type { KeyStore } from './ports.js'

/**
 * PollState tokens are what a caller's server hands to a browser: JWTs that the gateway signs and nobody else reads, good for
 * a while and for looking at some tasks only. Their own secret, issuer, audience and type keep them apart from the tokens
 * of the platform's issuer, whatever that one writes into its own.
 */
const TYPE = 'lipsync-watch+jwt'
const ISSUER = 'lipsync-gateway'
const AUDIENCE = 'lipsync-gateway/watch'
const ALGORITHM = 'HS256'
/** The name of the secret in the store. */
const SECRET = 'watch-tokens'

const MOST_TASKS = 100
/** As of a task's. */
const LONGEST_REFERENCE = 200
const LONGEST_TTL_S = 86_400

export interface WatchClaims {
  readonly caller: string
  readonly only: TaskRestriction
  /** The API key that asked for it, and whose end is also the token's. Null: another credential did. */
  readonly keyId: string | null
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface MintedToken {
  readonly token: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

interface Lifetime {
  /** Whole seconds, 1 to 86,400. */
  readonly ttlSeconds: number
  /** When it ends at the latest, in milliseconds since the Unix epoch; null: when its seconds are over. */
  readonly until: number | null
}

const payloadSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  key: z.string().nullable(),
  only: z.union([z.object({ taskIds: z.array(z.string()) }), z.object({ reference: z.string() })]),
})

/** Whether the text says of itself that it is a watch token. */
export const looksLikeWatchToken = (text: string): boolean => {
  try {
    return decodeProtectedHeader(text).typ === TYPE
  } catch {
    return false
  }
}

export const createWatchTokens = ({ keys, clock }: { keys: KeyStore; clock: Clock }) => {
  let secret: Promise<Uint8Array> | null = null
  const signingKey = () =>
    (secret ??= keys.secret(SECRET).then(
      text => Buffer.from(text, 'base64url'),
      thrown => {
        secret = null
        throw thrown
      },
    ))

  return {
    /** Throws `BAD_USER_INPUT`. */
    async mint(
      { caller, keyId, only }: Omit<WatchClaims, 'expiresAt'>,
      { ttlSeconds, until }: Lifetime,
    ): Promise<MintedToken> {
      checkRequest(only, ttlSeconds)
      const now = Math.floor(clock.now() / 1_000)
      const exp = Math.min(now + ttlSeconds, Math.floor((until ?? Number.POSITIVE_INFINITY) / 1_000))
      const token = await new SignJWT({ key: keyId, only })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(caller)
        .setIssuedAt(now)
        .setExpirationTime(exp)
        .sign(await signingKey())
      return { token, expiresAt: exp * 1_000 }
    },

    /** Throws a `CredentialError`. */
    async verify(token: string): Promise<WatchClaims> {
      const rules = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, algorithms: [ALGORITHM], requiredClaims: ['exp'] }
      const now = { currentDate: new Date(clock.now()) }
      const { payload } = await jwtVerify(token, await signingKey(), { ...rules, ...now }).catch(refuse)
      const { sub, exp, key, only } = payloadSchema.parse(payload)
      return { caller: sub, only, keyId: key, expiresAt: exp * 1_000 }
    },
  }
}

const checkRequest = (only: TaskRestriction, ttlSeconds: number): void => {
  if ('taskIds' in only && (only.taskIds.length === 0 || only.taskIds.length > MOST_TASKS))
    throw badInput('taskIds', `taskIds must name 1 to ${MOST_TASKS} tasks`)
  if ('reference' in only && (only.reference === '' || only.reference.length > LONGEST_REFERENCE))
    throw badInput('reference', `reference must have 1 to ${LONGEST_REFERENCE} characters`)
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > LONGEST_TTL_S)
    throw badInput('ttlSeconds', `ttlSeconds must be a whole number from 1 to ${LONGEST_TTL_S}`)
}

const refuse = (thrown: unknown): never => {
  if (!(thrown instanceof errors.JOSEError)) throw thrown
  throw new CredentialError(thrown instanceof errors.JWTExpired ? 'expired' : 'wrong', thrown.message)
}
