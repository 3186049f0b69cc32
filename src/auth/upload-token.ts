import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import { GatewayError } from '../errors.js'
import type { UploadClaims } from '../tasks/upload-store.js'
import { CredentialError, rethrowTokenError } from './credential-error.js'
import type { KeyStore } from './ports.js'
import { createSigningKey } from './signing-key.js'

/** The credential in an upload link: a JWT that only the gateway signs and reads, for one file of one size. */
export interface UploadTokens {
  mint(claims: UploadClaims): Promise<string>
  /** Throws `FORBIDDEN` for a token that the gateway did not sign or that has expired. */
  verify(token: string): Promise<UploadClaims>
}

/** Its own secret, issuer, audience and type keep it apart from every other token. */
const TYPE = 'lipsync-upload+jwt'
const ISSUER = 'lipsync-gateway'
const AUDIENCE = 'lipsync-gateway/uploads'
const ALGORITHM = 'HS256'
/** The name of the secret in the store. */
const SECRET = 'uploads'

const payloadSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  media: z.string(),
  name: z.string(),
  type: z.string(),
  size: z.number().nullable(),
  largest: z.number(),
  quota: z.number().nullable(),
})

/** The expiry of a token is a date that it carries, so it is compared with the wall clock. */
export function createUploadTokens({ keys, clock }: { keys: Pick<KeyStore, 'secret'>; clock: Clock }): UploadTokens {
  const signingKey = createSigningKey(keys, SECRET)

  return {
    async mint({ caller, mediaId, name, contentType, sizeBytes, largestBytes, quotaBytes, expiresAt }) {
      const claims = {
        media: mediaId,
        name,
        type: contentType,
        size: sizeBytes,
        largest: largestBytes,
        quota: quotaBytes,
      }
      return new SignJWT(claims)
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(caller)
        .setExpirationTime(Math.floor(expiresAt / 1_000))
        .sign(await signingKey())
    },

    async verify(token) {
      const rules = { issuer: ISSUER, audience: AUDIENCE, typ: TYPE, algorithms: [ALGORITHM], requiredClaims: ['exp'] }
      const now = { currentDate: new Date(clock.now()) }
      try {
        const { payload } = await jwtVerify(token, await signingKey(), { ...rules, ...now }).catch(rethrowTokenError)
        const { sub, exp, media, name, type, size, largest, quota } = payloadSchema.parse(payload)
        const bounds = { sizeBytes: size, largestBytes: largest, quotaBytes: quota }
        return { caller: sub, mediaId: media, name, contentType: type, ...bounds, expiresAt: exp * 1_000 }
      } catch (thrown) {
        if (!(thrown instanceof CredentialError)) throw thrown
        const isExpired = thrown.kind === 'expired'
        throw new GatewayError(
          'FORBIDDEN',
          isExpired ? 'The upload link has expired.' : 'The upload link is not valid.',
        )
      }
    },
  }
}
