import { errors } from 'jose'

/**
 * Why a credential was rejected. `wrong` is what guessing leads to, and counts as a failed login. A credential that has
 * `expired` or was `revoked` was valid once, so its sender is not guessing.
 */
export type CredentialErrorKind = 'wrong' | 'expired' | 'revoked'

/** A credential is rejected. The message and the key's id are for the log only: clients learn as little as possible. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError'
  readonly kind: CredentialErrorKind
  readonly keyId: string | null

  constructor(kind: CredentialErrorKind, reason: string, keyId: string | null = null) {
    super(reason)
    this.kind = kind
    this.keyId = keyId
  }
}

/** Rethrows jose's verdict on a token as a `CredentialError`, and any other error as it is. */
export function rethrowTokenError(thrown: unknown): never {
  if (!(thrown instanceof errors.JOSEError)) throw thrown
  throw new CredentialError(thrown instanceof errors.JWTExpired ? 'expired' : 'wrong', thrown.message)
}
