/** How far a job is when the inputs are there and decoded, and when the face has been followed through the video. */
const DECODED = 0.1
const TRACKED = 0.35

/** Puts the shares of a job's parts together to that of the whole, by how long each takes about. */
export const createProgress = (tell: (share: number) => void) => {
  tell(DECODED)
  return {
    /** @param share of the source frames, 0 to 1 */
    tracked: (share: number): void => tell(DECODED + (TRACKED - DECODED) * share),
    /** @param share of the output frames, 0 to 1 */
    drawn: (share: number): void => tell(TRACKED + (1 - TRACKED) * share),
  }
}
