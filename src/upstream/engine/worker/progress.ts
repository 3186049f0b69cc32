/** How far a job is when the inputs are there and decoded, when the face has been followed through the video… */
const DECODED = 0.1
const TRACKED = 0.35
/** …and when every frame is drawn, and the encoder finishes the file. */
const DRAWN = 0.98

/** Progress is told at most this often, in milliseconds. */
const BETWEEN_MS = 1_000

/**
 * Puts the shares of a job's parts together to that of the whole, by how long each takes about.
 *
 * @param now milliseconds of a clock that never goes back
 */
export const createProgress = (tell: (share: number) => void, now: () => number = () => performance.now()) => {
  let toldAt = Number.NEGATIVE_INFINITY
  const tellSometimes = (share: number) => {
    if (now() < toldAt + BETWEEN_MS) return
    toldAt = now()
    tell(share)
  }
  return {
    decoded: (): void => tellSometimes(DECODED),
    /** @param share of the source frames, 0 to 1 */
    tracked: (share: number): void => tellSometimes(DECODED + (TRACKED - DECODED) * share),
    /** @param share of the output frames, 0 to 1 */
    drawn: (share: number): void => tellSometimes(TRACKED + (DRAWN - TRACKED) * share),
  }
}
