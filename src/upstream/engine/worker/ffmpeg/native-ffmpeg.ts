import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { promisify } from 'node:util'
import type { Ffmpeg, FfmpegArg, Pipes } from './ffmpeg.js'
import { createLog } from './ffmpeg-log.js'

const FEED_BYTES = 1 << 20

/** FFmpeg as a program of the host. */
export const createNativeFfmpeg = (program: string): Ffmpeg => ({
  async run(args, pipes = {}) {
    const child = spawn(program, ['-nostdin', ...args.map(toText)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const closed = once(child, 'close')
    const log = createLog()
    createInterface({ input: child.stderr }).on('line', line => log.add(line))
    try {
      await Promise.all([feed(child.stdin, pipes.read), drain(child.stdout, pipes.write), closed])
    } catch (error) {
      child.kill('SIGKILL')
      await closed.catch(() => {})
      throw error
    }
    return { exitCode: child.exitCode ?? -1, log: log.lines() }
  },
})

/** Rejects with a reason in one line when the program cannot do the engine's work. */
export const checkNativeFfmpeg = async (program: string): Promise<void> => {
  const run = promisify(execFile)(program, ['-hide_banner', '-encoders'], { windowsHide: true })
  const { stdout } = await run.catch((cause: Error) => {
    throw new Error(`FFmpeg cannot be run as "${program}": ${cause.message.split('\n')[0]}`, { cause })
  })
  const missing = ['libx264', 'aac', 'mjpeg'].filter(encoder => !stdout.includes(` ${encoder} `))
  if (missing.length > 0) throw new Error(`The FFmpeg at "${program}" lacks the encoder ${missing.join(', ')}`)
}

const toText = (arg: FfmpegArg) => (typeof arg === 'string' ? arg : `file:${arg.path}`)

const feed = async (stdin: Writable, read: Pipes['read']): Promise<void> => {
  // FFmpeg may end before it has read everything; how it ended is told by its exit code.
  stdin.on('error', () => {})
  if (read) {
    for (;;) {
      const buffer = new Uint8Array(FEED_BYTES)
      const filled = read(buffer)
      if (filled === 0 || stdin.destroyed) break
      if (!stdin.write(buffer.subarray(0, filled))) await drained(stdin)
    }
  }
  stdin.end()
}

const drained = async (stream: Writable): Promise<void> => {
  if (stream.closed) return
  await new Promise<void>(resolve => {
    const go = () => {
      stream.off('drain', go).off('close', go)
      resolve()
    }
    stream.on('drain', go).on('close', go)
  })
}

const drain = async (stdout: AsyncIterable<Uint8Array>, write: Pipes['write']): Promise<void> => {
  for await (const chunk of stdout) write?.(chunk)
}
