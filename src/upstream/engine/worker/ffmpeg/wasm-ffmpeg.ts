import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ffmpeg, HostFile, Pipes } from './ffmpeg.js'
import { createFfmpegLog } from './ffmpeg-log.js'

/** The parts of Emscripten's file system that are used here. */
interface Stream {
  readonly node: Node
  position: number
}
interface StreamOps {
  open?(stream: Stream): void
  close?(stream: Stream): void
  read?(stream: Stream, buffer: Uint8Array, offset: number, length: number, position: number): number
  write?(stream: Stream, buffer: Uint8Array, offset: number, length: number, position: number): number
  llseek?(stream: Stream, offset: number, whence: number): number
}
interface Node {
  stream_ops: StreamOps
}
interface FileSystem {
  readonly streams: (Stream | null)[]
  create(path: string, mode: number): Node
  open(path: string, flags: string): Stream
  close(stream: Stream): void
  makedev(major: number, minor: number): number
  registerDevice(device: number, ops: StreamOps): void
  mkdev(path: string, device: number): void
}
interface Core {
  readonly FS: FileSystem
  exec(...args: string[]): number
  setLogger(logger: (line: { message: string }) => void): void
  setTimeout(milliseconds: number): void
}
type CreateCore = (options: {
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object
}) => Promise<Core>

const require = createRequire(import.meta.url)

/**
 * FFmpeg as WebAssembly, from `@ffmpeg/core`. It blocks its thread while it runs. Each run gets a fresh instance, because
 * an instance that has read damaged files fails after some more runs.
 */
export async function createWasmFfmpeg(): Promise<Ffmpeg> {
  const createCore = loadCore()
  const compiled = await WebAssembly.compile(readFileSync(require.resolve('@ffmpeg/core/wasm')))

  return {
    async run(args, pipes = {}) {
      const core = await createCore({
        instantiateWasm(imports, done) {
          const instance = new WebAssembly.Instance(compiled, imports)
          done(instance)
          return instance.exports
        },
      })
      const log = createFfmpegLog()
      const refusals: unknown[] = []
      core.setLogger(({ message }) => {
        log.add(message)
        try {
          pipes.log?.(message)
        } catch (reason) {
          // The core may catch what its logger throws.
          refusals.push(reason)
          throw reason
        }
      })
      core.setTimeout(-1)
      connectPipes(core.FS, pipes)
      const closers: (() => void)[] = []
      const names = args.map((arg, index) => {
        if (typeof arg === 'string') return arg
        closers.push(mountFile(core.FS, `/host-${index}`, arg))
        return `/host-${index}`
      })
      try {
        const exitCode = core.exec(...names)
        if (refusals.length > 0) throw refusals[0]
        return { exitCode, log: log.lines() }
      } catch (error) {
        if (refusals.length > 0) throw refusals[0]
        // A crash ends this instance only.
        if (error instanceof WebAssembly.RuntimeError) return { exitCode: -1, log: [...log.lines(), error.message] }
        throw error
      } finally {
        for (const close of closers) close()
      }
    },
  }
}

/** The package is made for a browser's worker, where it reads its own address. It needs none here. */
function loadCore(): CreateCore {
  Object.assign(globalThis, { self: globalThis, location: { href: '' } })
  return require('@ffmpeg/core') as CreateCore
}

/** Replaces standard input and output, which are the first two streams, by the callbacks. */
function connectPipes(fs: FileSystem, { read, write }: Pipes): void {
  const replace = (fd: 0 | 1, flags: string, ops: StreamOps) => {
    const device = fs.makedev(64, fd)
    fs.registerDevice(device, ops)
    fs.mkdev(`/dev/pipe-${fd}`, device)
    const standard = fs.streams[fd]
    if (standard) fs.close(standard)
    fs.open(`/dev/pipe-${fd}`, flags)
  }
  if (read) {
    replace(0, 'r', { read: (_stream, buffer, offset, length) => read(buffer.subarray(offset, offset + length)) })
  }
  if (write) {
    replace(1, 'w', {
      write(_stream, buffer, offset, length) {
        write(buffer.subarray(offset, offset + length))
        return length
      },
    })
  }
}

/** Makes a file of the host a regular file of the instance, without a copy in memory. Returns a function that closes it. */
function mountFile(fs: FileSystem, name: string, { path, mode }: HostFile): () => void {
  const fd = openSync(path, mode === 'read' ? 'r' : 'w+', 0o600)
  const node = fs.create(name, 0o666)
  Object.defineProperty(node, 'usedBytes', {
    get: () => fstatSync(fd).size,
    set: (size: number) => ftruncateSync(fd, size),
  })
  node.stream_ops = {
    read: (_stream, buffer, offset, length, position) => readSync(fd, buffer, offset, length, position),
    write(_stream, buffer, offset, length, position) {
      let written = 0
      while (written < length) written += writeSync(fd, buffer, offset + written, length - written, position + written)
      return written
    },
    llseek: (stream, offset, whence) =>
      offset + (whence === 1 ? stream.position : whence === 2 ? fstatSync(fd).size : 0),
  }
  return () => closeSync(fd)
}
