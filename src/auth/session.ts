import type { Caller } from '../tasks/caller.js'

/** A successful login. Its kind decides how long it is valid and what ends it earlier. */
export type Session = AnonymousSession | ApiKeySession | WatchTokenSession | PlatformTokenSession

/** No credential was sent, and the gateway accepts that. Ends when the first API key is created. */
export interface AnonymousSession {
  readonly kind: 'anonymous'
  readonly caller: Caller
}

export interface ApiKeySession {
  readonly kind: 'api-key'
  readonly caller: Caller
  readonly keyId: string
  /** When the key expires, in milliseconds since the Unix epoch; null: never. */
  readonly expiresAt: number | null
}

/** Ends with the login that minted the token, except that it may outlive a short-lived platform token. */
export interface WatchTokenSession {
  readonly kind: 'watch-token'
  readonly caller: Caller
  readonly minter: Minter
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

export interface PlatformTokenSession {
  readonly kind: 'platform-token'
  readonly caller: Caller
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** The login that minted a watch token. */
export type Minter =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'api-key'; readonly keyId: string }
  | { readonly kind: 'platform-token' }

/**
 * When a session expires, in milliseconds since the Unix epoch; null: never. Wall-clock time by nature: the `exp` of a
 * token and the expiry of a key are dates that people and other systems agree on.
 */
export function expiryOf(session: Session): number | null {
  return session.kind === 'anonymous' ? null : session.expiresAt
}
