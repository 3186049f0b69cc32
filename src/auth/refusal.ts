/**
 * Why a credential was refused. `wrong` is what guessing leads to, and counts as a failed login; a credential that has
 * `expired` or was `revoked` was good once, so whoever sends it guesses nothing.
 */
export type RefusalKind = 'wrong' | 'expired' | 'revoked'

/** A credential is refused. The message and the key's id are for the log only: callers learn as little as possible. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly kind: RefusalKind
  readonly keyId: string | null

  constructor(kind: RefusalKind, reason: string, keyId: string | null = null) {
    super(reason)
    this.kind = kind
    this.keyId = keyId
  }
}
