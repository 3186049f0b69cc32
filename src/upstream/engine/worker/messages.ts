import type { PlaybackType, Result } from '../../../tasks/task.js'
import type { JobLimits } from '../job-limits.js'

/** The message that starts a worker process. */
export interface WorkerInput {
  readonly videoFile: string
  readonly audioFile: string
  readonly playbackType: PlaybackType
  /** An existing folder for temporary files. */
  readonly folder: string
  /** Where the finished files are written. */
  readonly outputs: { readonly video: string; readonly cover: string }
  readonly limits: JobLimits
  /** A native FFmpeg; null for the WebAssembly build. */
  readonly ffmpegPath: string | null
}

/** What is known about a finished video beside its location. */
export type LipSyncOutcome = Omit<Result, 'resultUrl' | 'coverUrl'>

/** What a worker process reports. After each of the last three the gateway kills the process. */
export type WorkerReport =
  | { readonly type: 'audio'; readonly seconds: number }
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'success'; readonly outcome: LipSyncOutcome }
  /** `message` is for the caller, `detail` for the log. */
  | { readonly type: 'failed'; readonly message: string; readonly detail?: string }
  | { readonly type: 'broken'; readonly detail: string }
