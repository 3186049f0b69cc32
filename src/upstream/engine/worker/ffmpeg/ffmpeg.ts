/**
 * The engine's use of FFmpeg: running one command line. There are two implementations, the WebAssembly build in this
 * process and a native program. Both read and write files of the host, and both can be fed and drained through `pipe:0`
 * and `pipe:1`, so that raw frames are never complete in memory.
 */
export interface Ffmpeg {
  /** Resolves when FFmpeg has ended, with any exit code. Rejects with what a pipe threw, after FFmpeg was stopped. */
  run(args: readonly FfmpegArg[], pipes?: Pipes): Promise<FfmpegRun>
}

/** An argument, or the file of the host that it names. */
export type FfmpegArg = string | HostFile

export interface HostFile {
  readonly path: string
  readonly mode: 'read' | 'write'
}

/** Callbacks for a run. What one of them throws stops FFmpeg. */
export interface Pipes {
  /** Feeds `pipe:0`: fills the buffer from its start and returns the number of bytes, 0 at the end. */
  read?(into: Uint8Array): number
  /** Drains `pipe:1`. The chunk is only valid during the call. */
  write?(chunk: Uint8Array): void
  /** Gets each line of the log when it is written. */
  log?(line: string): void
}

export interface FfmpegRun {
  /** 0 for success. */
  readonly exitCode: number
  /** The log, without its middle when it is very long. It contains file names, so it must not be shown to a caller. */
  readonly log: readonly string[]
}

/** The arguments at the start of every run. */
export const QUIET = ['-hide_banner', '-nostats', '-y'] as const

export function readFrom(path: string): HostFile {
  return { path, mode: 'read' }
}

export function writeTo(path: string): HostFile {
  return { path, mode: 'write' }
}
