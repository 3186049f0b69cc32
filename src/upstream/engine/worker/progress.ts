/** The progress of a job when the inputs are decoded, and when the face has been tracked through the video. */
const DECODED = 0.1
const TRACKED = 0.35
/** The progress when all frames are drawn and the encoder finishes the file. */
const DRAWN = 0.98

const INTERVAL_MS = 1_000

/**
 * Combines the progress of a job's parts, weighted by the time that each usually takes, and reports it at most once a
 * second.
 *
 * @param now milliseconds of a monotonic clock
 */
export function createProgress(report: (share: number) => void, now: () => number = () => performance.now()) {
  let reportedAt = Number.NEGATIVE_INFINITY
  const reportSometimes = (share: number) => {
    if (now() < reportedAt + INTERVAL_MS) return
    reportedAt = now()
    report(share)
  }
  return {
    decoded: (): void => reportSometimes(DECODED),
    /** @param share of the source frames, 0 to 1 */
    tracked: (share: number): void => reportSometimes(DECODED + (TRACKED - DECODED) * share),
    /** @param share of the output frames, 0 to 1 */
    drawn: (share: number): void => reportSometimes(TRACKED + (DRAWN - TRACKED) * share),
  }
}
