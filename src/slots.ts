/** Limits how many slots each key may hold at once. */
export interface Slots {
  /** Acquires a slot and returns its release function; null when the key already holds `limit`. A `limit` of null is no limit. */
  acquire(key: string, limit: number | null): (() => void) | null
  /** How many slots the key holds. */
  held(key: string): number
}

export function createSlots(): Slots {
  const held = new Map<string, number>()

  function release(key: string): void {
    const left = (held.get(key) ?? 1) - 1
    if (left > 0) held.set(key, left)
    else held.delete(key)
  }

  return {
    acquire(key, limit) {
      const before = held.get(key) ?? 0
      if (limit !== null && before >= limit) return null
      held.set(key, before + 1)
      let isHeld = true
      return () => {
        if (isHeld) release(key)
        isHeld = false
      }
    },
    held: key => held.get(key) ?? 0,
  }
}

/** A counter and its limit; null: no limit. */
export interface Quota {
  readonly key: string
  readonly limit: number | null
}

/** Acquires a slot of each counter, all or none. Returns their release function; null when one of them is full. */
export function acquireAll(slots: Slots, quotas: readonly Quota[]): (() => void) | null {
  const releases: (() => void)[] = []
  for (const { key, limit } of quotas) {
    const release = slots.acquire(key, limit)
    if (!release) {
      for (const undo of releases) undo()
      return null
    }
    releases.push(release)
  }
  return () => {
    for (const release of releases) release()
  }
}
