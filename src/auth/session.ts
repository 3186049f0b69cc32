import type { Caller } from '../tasks/caller.js'

/** A login that held: who calls, until when, and what could end it earlier. */
export interface Session {
  readonly caller: Caller
  /** When the credential runs out, in milliseconds since the Unix epoch; null: never. */
  readonly expiresAt: number | null
  /** The API key that was sent, or that minted the watch token that was sent. Null for all other credentials. */
  readonly keyId: string | null
}
