/** Limits how many slots each key may hold at once. */
export interface Slots {
  /** Acquires a slot and returns its release function; null when the key already holds `limit`. A `limit` of null is none. */
  acquire(key: string, limit: number | null): (() => void) | null
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
  }
}
