import type { CallerLimits, Scope } from '../tasks/caller.js'

/** What is kept of an API key: everything but its secret. Times are milliseconds since the Unix epoch. */
export interface ApiKey {
  /** The public part of the key, by which people and logs name it. */
  readonly id: string
  /** Whose tasks it opens. Several keys may stand for one caller, so that one can take over from another without a gap. */
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

/** Where keys are kept, shared by every process on the database: what one wrote the others read at once. */
export interface KeyStore {
  create(key: NewApiKey): Promise<void>
  /** All keys, the oldest first; revoked and expired ones too, for they are never deleted. */
  list(): Promise<ApiKey[]>
  get(id: string): Promise<ApiKey | null>
  /** Answers the key as it is now, or null when there is none. A key revoked before keeps its time. */
  revoke(id: string, at: number): Promise<ApiKey | null>
  /** Notes a use. Written at most once in `TOUCH_EVERY_MS`, because each write waits for the disk. */
  touch(id: string, at: number): Promise<void>
  /** Whether there is, or ever was, a key. */
  everCreated(): Promise<boolean>
  /** What the gateway itself signs with under this name: 256 random bits as base64url, made by whoever asks first. */
  secret(name: string): Promise<string>
}

/** How fresh `lastUsedAt` is. */
export const TOUCH_EVERY_MS = 60_000
