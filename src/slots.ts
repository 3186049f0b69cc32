/** Counts how many of something each of many has at a time. */
export interface Places {
  /** Takes one more; answers how to give it back, or null when `limit` are taken. `limit` null: as many as they like. */
  acquire(who: string, limit: number | null): (() => void) | null
}

export const createSlots = (): Places => {
  const taken = new Map<string, number>()
  return {
    acquire(who, limit) {
      const before = taken.get(who) ?? 0
      if (limit !== null && before >= limit) return null
      taken.set(who, before + 1)
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        const left = (taken.get(who) ?? 1) - 1
        if (left > 0) taken.set(who, left)
        else taken.delete(who)
      }
    },
  }
}
