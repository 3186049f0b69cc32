import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FfmpegArg, QUIET, readFrom, writeTo } from '../../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import { createWasmFfmpeg } from '../../src/upstream/engine/worker/ffmpeg/wasm-ffmpeg.js'

/** A folder that is deleted at the end of the scope. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'lipsync-engine-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export const wasm = await createWasmFfmpeg()

/** Whether a native FFmpeg is installed. */
export const hasNative = spawnSync('ffmpeg', ['-version']).status === 0

const made = new Map<string, Promise<Buffer>>()

/** Makes a file from FFmpeg's own sources, once for all tests, and returns its bytes. `args` end with the format: `-f mp4`. */
export function make(...args: FfmpegArg[]): Promise<Buffer> {
  const key = JSON.stringify(args)
  const file = made.get(key) ?? makeNow(args)
  made.set(key, file)
  return file
}

async function makeNow(args: readonly FfmpegArg[]): Promise<Buffer> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'made')
  const { exitCode, log } = await wasm.run([...QUIET, ...args, writeTo(path)])
  if (exitCode !== 0) throw new Error(log.join('\n'))
  return await readFile(path)
}

function lavfi(graph: string) {
  return ['-f', 'lavfi', '-i', graph]
}
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']

export interface Clip {
  size?: string
  fps?: number | string
  seconds?: number
  /** More of FFmpeg's output options. */
  options?: string[]
  format?: string
}

/** A moving test picture, without sound. */
export function clip({ size = '64x48', fps = 25, seconds = 1, options = X264, format = 'mp4' }: Clip = {}) {
  return make(...lavfi(`testsrc2=s=${size}:r=${fps}:d=${seconds}`), ...options, '-f', format)
}

const STEP = 20

/** A video whose frame n is n steps of grey above black, so that each frame can be identified. */
export function brightening(frames: number) {
  return make(
    ...lavfi(`nullsrc=s=64x48:r=25:d=${frames / 25},geq=lum=16+${STEP}*N:cb=128:cr=128`),
    ...X264,
    '-f',
    'mp4',
  )
}

/** The same MP4, rotated by 90 degrees by the matrix in its track header. */
export function turned(mp4: Buffer): Buffer {
  const file = Buffer.from(mp4)
  const matrix = file.indexOf('tkhd') + 44
  for (const [at, value] of [0, 0x10000, 0, -0x10000, 0].entries()) file.writeInt32BE(value, matrix + 4 * at)
  return file
}

/** A tone. */
export function tone(seconds = 1, options: string[] = [], format = 'wav') {
  return make(...lavfi(`sine=d=${seconds}:f=440`), ...options, '-f', format)
}

/** A moving test picture with a tone. */
export function film(seconds = 1) {
  return make(...lavfi(`testsrc2=s=64x48:r=25:d=${seconds}`), ...lavfi(`sine=d=${seconds}`), ...X264, '-f', 'mp4')
}

export interface Probe {
  readonly seconds: number
  readonly comment: string | undefined
  /** The colour tags. */
  readonly colours: string | undefined
  readonly streams: readonly string[]
  /** The decoded pictures. */
  readonly width: number
  readonly height: number
  readonly frames: number
  readonly audioSeconds: number
  /** Each frame's grey, in the steps of `brightening`. */
  readonly brightness: readonly number[]
}

/** Returns what a decoder finds in a file, so that an output is not judged by what the engine says. */
export async function probe(path: string): Promise<Probe> {
  await using folder = await temporaryFolder()
  const samples = join(folder.path, 'samples')
  const pixels: number[] = []
  const video = ['-map', '0:v', '-vf', 'scale=1:1,format=gray', '-f', 'rawvideo', 'pipe:1']
  const audio = ['-map', '0:a', '-f', 's16le', '-ar', '48000', '-ac', '1', writeTo(samples)]
  const { log } = await wasm.run([...QUIET, '-i', readFrom(path), ...video, ...audio], {
    // The WebAssembly build passes signed bytes.
    write: chunk => void pixels.push(...Buffer.from(chunk)),
  })
  const text = log.join('\n')
  const found = (pattern: RegExp) => pattern.exec(text)?.[1]
  const [, hours, minutes, seconds] = /Duration: (\d+):(\d+):([\d.]+)/.exec(text) ?? []
  return {
    seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    comment: found(/^ +comment +: (.*)$/m),
    colours: found(/Video: h264.*? yuv420p\(tv, ([^,)]+)/),
    streams: [...text.split('Stream mapping')[0]!.matchAll(/Stream #0:\d.*?: (\w+: \w+)/g)].map(([, kind]) => kind!),
    width: Number(found(/Video: .*?, (\d+)x\d+/)),
    height: Number(found(/Video: .*?, \d+x(\d+)/)),
    frames: pixels.length,
    audioSeconds: (await stat(samples)).size / 2 / 48_000,
    brightness: pixels.map(grey => Math.round((grey * 219) / 255 / STEP)),
  }
}

type Serve = Buffer | string | ((req: IncomingMessage, res: ServerResponse) => void)

/** A web server on loopback that serves files by path. */
export async function serve(files: Record<string, Serve>) {
  const server = createServer((req, res) => {
    const file = files[new URL(req.url ?? '/', 'http://host').pathname]
    if (file === undefined) res.writeHead(404).end()
    else if (typeof file === 'function') file(req, res)
    else res.end(file)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    port,
    files,
    url: (path: string) => `http://127.0.0.1:${port}${path}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A handler that holds its requests, which the test can wait for and respond to. */
export function holding() {
  const requests: ServerResponse[] = []
  let wake = () => {}
  return {
    handler: (_req: unknown, res: ServerResponse) => {
      requests.push(res)
      wake()
    },
    async request(): Promise<ServerResponse> {
      while (requests.length === 0) await new Promise<void>(resolve => (wake = resolve))
      return requests.shift()!
    },
  }
}

export async function gone(res: ServerResponse) {
  res.closed || (await once(res, 'close'))
}
