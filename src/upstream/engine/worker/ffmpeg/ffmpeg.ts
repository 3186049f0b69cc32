/**
 * The engine's whole need of FFmpeg: run one command line. Two programs answer it, the WebAssembly build in this process
 * and a native binary. Both read and write the host's files, and both can be fed and drained through the pipes `pipe:0`
 * and `pipe:1`, so that raw frames never lie in memory or on disk as a whole.
 */
export interface Ffmpeg {
  /** Resolves when FFmpeg ended, however it did; rejects with what a pipe threw, after FFmpeg was stopped. */
  run(args: readonly FfmpegArg[], pipes?: Pipes): Promise<FfmpegRun>
}

/** An argument, or a file of the host in its place. */
export type FfmpegArg = string | HostFile

export interface HostFile {
  readonly path: string
  readonly mode: 'read' | 'write'
}

export interface Pipes {
  /** Feeds `pipe:0`: fills the buffer from its start and answers how many bytes it wrote, 0 at the end. */
  read?(into: Uint8Array): number
  /** Drains `pipe:1`. The chunk is only valid during the call. */
  write?(chunk: Uint8Array): void
}

export interface FfmpegRun {
  /** 0 when all went well. */
  readonly exitCode: number
  /** What FFmpeg said, without its middle when it is very long. It holds file names: never show it to a caller. */
  readonly log: readonly string[]
}

/** What every run begins with. */
export const QUIET = ['-hide_banner', '-nostats', '-y'] as const

export const readFrom = (path: string): HostFile => ({ path, mode: 'read' })
export const writeTo = (path: string): HostFile => ({ path, mode: 'write' })
