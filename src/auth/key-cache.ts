import type { Clock } from '../clock.js'
import type { ChangeFeed } from '../tasks/change-feed.js'
import { type ApiKey, type KeyStore, TOUCH_EVERY_MS } from './ports.js'

/** How long a key is used without another look: a notification that it changed may be lost. */
const FRESH_MS = 1_000
const MAX_KEYS = 10_000

/**
 * A key store that remembers for a second what it read, and forgets it as soon as another process reports a change. Keys
 * that do not exist are not remembered.
 */
export function cacheKeys(keys: KeyStore, feed: Pick<ChangeFeed, 'onRemoteChange'>, clock: Clock): KeyStore {
  const reads = new Map<string, { readonly at: number; readonly key: Promise<ApiKey | null> }>()
  const touched = new Map<string, number>()
  feed.onRemoteChange(({ kind }) => {
    if (kind === 'keys') reads.clear()
  })

  function read(id: string): Promise<ApiKey | null> {
    const key = keys.get(id)
    const entry = { at: clock.monotonic(), key }
    if (reads.size >= MAX_KEYS) reads.clear()
    reads.set(id, entry)
    const forget = () => {
      if (reads.get(id) === entry) reads.delete(id)
    }
    key.then(found => found ?? forget(), forget)
    return key
  }

  return {
    ...keys,
    get(id) {
      const known = reads.get(id)
      return known && clock.monotonic() - known.at < FRESH_MS ? known.key : read(id)
    },
    async touch(id, at) {
      const now = clock.monotonic()
      if (now - (touched.get(id) ?? Number.NEGATIVE_INFINITY) < TOUCH_EVERY_MS) return
      if (touched.size >= MAX_KEYS) touched.clear()
      touched.set(id, now)
      await keys.touch(id, at)
    },
  }
}
