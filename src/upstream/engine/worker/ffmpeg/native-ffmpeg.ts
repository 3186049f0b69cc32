import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Ffmpeg, FfmpegArg, Pipes } from './ffmpeg.js'
import { createFfmpegLog } from './ffmpeg-log.js'

const FEED_BYTES = 1 << 20

/** The address space of the program: a base, and a share for each pixel of the largest picture. */
const BASE_BYTES = 1 << 30
const BYTES_PER_PIXEL = 256

/**
 * FFmpeg as a program of the host.
 *
 * @param pixels The largest picture, by which the memory of the program is limited where `prlimit` exists (Linux).
 */
export function createNativeFfmpeg(program: string, pixels: number): Ffmpeg {
  const limit = hasPrlimit() ? ['prlimit', `--as=${BASE_BYTES + BYTES_PER_PIXEL * pixels}`] : []

  return {
    async run(args, pipes = {}) {
      const [command = program, ...rest] = [...limit, program, '-nostdin', ...args.map(toText)]
      const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
      const closed = once(child, 'close')
      const log = createFfmpegLog()
      const streams = [
        feed(child.stdin, pipes.read),
        drain(child.stdout, pipes.write),
        readLines(child.stderr, line => {
          log.add(line)
          pipes.log?.(line)
        }),
      ]
      try {
        await Promise.all([...streams, closed])
      } catch (error) {
        child.kill('SIGKILL')
        await Promise.allSettled([...streams, closed])
        throw error
      }
      return { exitCode: child.exitCode ?? -1, log: log.lines() }
    },
  }
}

function hasPrlimit(): boolean {
  return process.platform === 'linux' && spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0
}

function toText(arg: FfmpegArg): string {
  return typeof arg === 'string' ? arg : `file:${arg.path}`
}

async function feed(stdin: Writable, read: Pipes['read']): Promise<void> {
  await pipeline(Readable.from(read ? chunksOf(read) : []), stdin).catch(error => {
    // FFmpeg may end before it has read everything. Its exit code tells whether that was an error.
    if (!['EPIPE', 'EOF', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(error.code)) throw error
  })
}

function* chunksOf(read: NonNullable<Pipes['read']>): Generator<Uint8Array> {
  for (;;) {
    const buffer = new Uint8Array(FEED_BYTES)
    const filled = read(buffer)
    if (filled === 0) return
    yield buffer.subarray(0, filled)
  }
}

async function drain(stdout: AsyncIterable<Uint8Array>, write: Pipes['write']): Promise<void> {
  for await (const chunk of stdout) write?.(chunk)
}

async function readLines(stderr: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stderr })) onLine(line)
}
