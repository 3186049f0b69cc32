import { availableParallelism } from 'node:os'

/** What a job may cost. What is beyond fails the job, with a reason. */
export interface Limits {
  /** The largest input file, in bytes. @default 200_000_000 */
  readonly inputBytes: number
  /** The longest audio, in seconds, and so the longest output. @default 600 */
  readonly durationSeconds: number
  /** The largest picture, as width times height. @default 2_073_600 // 1920x1080, either way up */
  readonly pixels: number
  /** Temporary disk space for a job's decoded frames, in bytes. @default 16_000_000_000 // 7 min of 1280x720 at 25 fps */
  readonly spoolBytes: number
  /** How long a job may take for each second of audio, in seconds… @default 10 */
  readonly jobSecondsPerSecond: number
  /** …and on top of that, in seconds. @default 60 */
  readonly jobSeconds: number
  /** How many jobs run at a time. @default The number of cores but one, at least 1 */
  readonly concurrency: number
  /** How long a connection, the headers of an answer and a silence may take, in milliseconds. @default 10_000 */
  readonly idleMs: number
  /** How long fetching one input may take in all, in milliseconds. @default 300_000 // 5 minutes */
  readonly fetchMs: number
}

export const resolveLimits = (given: Partial<Limits> = {}): Limits => ({
  inputBytes: 200_000_000,
  durationSeconds: 600,
  pixels: 1920 * 1080,
  spoolBytes: 16_000_000_000,
  jobSecondsPerSecond: 10,
  jobSeconds: 60,
  concurrency: Math.max(1, availableParallelism() - 1),
  idleMs: 10_000,
  fetchMs: 300_000,
  ...given,
})
