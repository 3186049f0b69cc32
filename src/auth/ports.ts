import type { CallerLimits, Scope } from '../tasks/caller.js'

/** An API key as it is stored, without its secret. Times are milliseconds since the Unix epoch. */
export interface ApiKey {
  /** The public part of the key, by which people and logs name it. */
  readonly id: string
  /** The caller that the key belongs to. A caller may have several keys, so that one can replace another without a gap. */
  readonly caller: string
  /** SHA-256 of the secret part, in hex. */
  readonly hash: string
  readonly scopes: readonly Scope[]
  /** Where the key's limits differ from the configured ones. */
  readonly limits: Partial<CallerLimits>
  readonly createdAt: number
  /** Null: never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** To within `TOUCH_EVERY_MS`. */
  readonly lastUsedAt: number | null
}

export type NewApiKey = Omit<ApiKey, 'revokedAt' | 'lastUsedAt'>

/** The key store, shared by every process on the database: a write is visible to all of them at once. */
export interface KeyStore {
  create(key: NewApiKey): Promise<void>
  /** Returns all keys, oldest first, revoked and expired ones included: keys are never deleted. */
  list(): Promise<ApiKey[]>
  get(id: string): Promise<ApiKey | null>
  /** Revokes a key and returns it, or returns null when no key has this id. A key that was revoked before keeps its time. */
  revoke(id: string, at: number): Promise<ApiKey | null>
  /** Records a use. Written at most once in `TOUCH_EVERY_MS`, because each write waits for the disk. */
  touch(id: string, at: number): Promise<void>
  /** Whether a key exists or ever existed. */
  everCreated(): Promise<boolean>
  /** Returns the gateway's own signing secret of this name: 256 random bits as base64url, created at the first call. */
  secret(name: string): Promise<string>
}

/** How fresh `lastUsedAt` is. */
export const TOUCH_EVERY_MS = 60_000
