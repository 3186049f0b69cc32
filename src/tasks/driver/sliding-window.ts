/** In any window of this length only so many submits may leave. */
export const WINDOW_MS = 60_000

/**
 * When the submits to come may leave: the first is place 0.
 *
 * @param ended when earlier submits ended, oldest first. A clock that was set back makes none of them later than now.
 * @param limit how many may leave in a window
 * @param from the earliest that any may leave
 */
export const nextSlots = (ended: readonly number[], limit: number, now: number, from: number) => {
  const recent = ended.map(at => Math.min(at, now)).filter(at => at > now - WINDOW_MS)
  return (place: number): number => {
    // A window that is full opens again when its oldest submit is a minute old; whole windows follow one another.
    const rounds = Math.floor(place / limit)
    const freed = recent[recent.length - limit + (place % limit)]
    return Math.max(from, freed === undefined ? 0 : freed + WINDOW_MS) + rounds * WINDOW_MS
  }
}
