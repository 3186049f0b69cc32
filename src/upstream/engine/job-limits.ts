/** The cost limits of a job. A job that exceeds one fails with a reason. Each comes from an option of the gateway. */
export interface CostLimits {
  /** The largest input file, in bytes. */
  readonly inputBytes: number
  /** The longest audio, and so the longest output, in seconds. */
  readonly durationSeconds: number
  /** The largest picture, in pixels. */
  readonly pixels: number
  /** Temporary disk space for the decoded frames of a job, in bytes. */
  readonly spoolBytes: number
  /** How many jobs are made at a time. */
  readonly concurrency: number
}

/** The time limits of a job. */
export interface TimeLimits {
  /** Processing time for each second of audio, in seconds. */
  readonly jobSecondsPerSecond: number
  /** Processing time on top of that, in seconds. */
  readonly jobSeconds: number
  /** Limit for a connection, for the headers of a response and for each pause in its body, in milliseconds. */
  readonly idleMs: number
  /** Limit for the download of an input, in milliseconds. */
  readonly fetchMs: number
  /** A job whose inputs take longer to download than this gives up its slot until they are there, in milliseconds. */
  readonly slotFetchMs: number
}

export type JobLimits = CostLimits & TimeLimits

export const TIME_LIMITS: TimeLimits = {
  jobSecondsPerSecond: 10,
  jobSeconds: 60,
  idleMs: 10_000,
  fetchMs: 300_000,
  slotFetchMs: 5_000,
}

/** The options of the gateway that limit the cost of a job. */
export interface CostOptions {
  readonly maxBytes: number
  readonly maxSeconds: number
  readonly maxPixels: number
  readonly maxSpoolBytes: number
  readonly concurrency: number
}

export function jobLimits({ maxBytes, maxSeconds, maxPixels, maxSpoolBytes, concurrency }: CostOptions): JobLimits {
  return {
    ...TIME_LIMITS,
    inputBytes: maxBytes,
    durationSeconds: maxSeconds,
    pixels: maxPixels,
    spoolBytes: maxSpoolBytes,
    concurrency,
  }
}
