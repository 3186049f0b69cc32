/**
 * Why a credential was refused. `wrong` is what guessing leads to, and counts as a failed login; a credential that has
 * `expired` or was `revoked` was good once, so whoever sends it guesses nothing.
 */
export type CredentialErrorKind = 'wrong' | 'expired' | 'revoked'

/** A credential is refused. The message and the key's id are for the log only: callers learn as little as possible. */
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
