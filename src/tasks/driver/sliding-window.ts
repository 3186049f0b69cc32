/** The length of the window in which the number of submits is limited. */
export const WINDOW_MS = 60_000

/**
 * Returns when each of the next submits may leave; the next one is slot 0. All times are monotonic milliseconds.
 *
 * @param ended when earlier submits ended, oldest first. Counted by their end, because a request may reach the upstream
 *   at any time until then.
 * @param limit how many may leave in any window
 * @param from the earliest time at which any may leave
 */
export function nextSlots(ended: readonly number[], limit: number, from: number): (slot: number) => number {
  return slot => {
    // A full window opens again when its oldest submit is a window old; whole windows follow one another.
    const rounds = Math.floor(slot / limit)
    const freed = ended[ended.length - limit + (slot % limit)]
    return Math.max(from, freed === undefined ? from : freed + WINDOW_MS) + rounds * WINDOW_MS
  }
}
