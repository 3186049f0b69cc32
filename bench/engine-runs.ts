import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { resolveConfig } from '../src/config.js'
import { jobLimits } from '../src/upstream/engine/job-limits.js'
import { QUIET, readFrom, writeTo } from '../src/upstream/engine/worker/ffmpeg/ffmpeg.js'
import type { WorkerInput, WorkerReport } from '../src/upstream/engine/worker/messages.js'
import { type Cost, watchCost } from './process-cost.js'

export interface Run {
  readonly video: string
  readonly audio: string
  readonly seconds: number
  /** Null for the WebAssembly build. */
  readonly ffmpegPath: string | null
  readonly folder: string
}

/** The encoder settings of the engine. */
export const ENCODE =
  '-c:v libx264 -threads 1 -preset veryfast -crf 20 -pix_fmt yuv420p -c:a aac -b:a 128k -f mp4'.split(' ')

const COMPILED = new URL('../dist/upstream/engine/worker/', import.meta.url)

/** Runs a whole job in a worker process. */
export const runJob = async ({ video, audio, ffmpegPath, folder }: Run): Promise<Cost> => {
  const child = start([fileURLToPath(new URL('worker.js', COMPILED))])
  const work = join(folder, 'job')
  await mkdir(work, { recursive: true })
  const input: WorkerInput = {
    ...{ videoFile: video, audioFile: audio, playbackType: 'normal_reverse', folder: work, ffmpegPath },
    outputs: { video: join(work, 'lipsync.mp4'), cover: join(work, 'cover.jpg') },
    limits: jobLimits(resolveConfig().engine),
  }
  child.send(input)
  return costOf(child, (report: WorkerReport) => {
    if (report.type === 'failed' || report.type === 'broken') throw new Error(JSON.stringify(report))
    return report.type === 'success'
  })
}

/** Re-encodes video and audio of the same length. */
export const runPlain = async ({ video, audio, seconds, ffmpegPath, folder }: Run): Promise<Cost> => {
  const inputs = ['-stream_loop', '-1', '-i', readFrom(video), '-i', readFrom(audio)]
  const rest = ['-map', '0:v', '-map', '1:a', '-t', String(seconds), ...ENCODE, writeTo(join(folder, 'plain.mp4'))]
  const [file, create, argument] = ffmpegPath
    ? ['native-ffmpeg.js', 'createNativeFfmpeg', `${JSON.stringify(ffmpegPath)}, ${1920 * 1080}`]
    : ['wasm-ffmpeg.js', 'createWasmFfmpeg', '']
  const code = `
    import { ${create} } from ${JSON.stringify(new URL(`ffmpeg/${file}`, COMPILED).href)}
    const ffmpeg = await ${create}(${argument})
    process.send(await ffmpeg.run(${JSON.stringify([...QUIET, ...inputs, ...rest])}))
    setInterval(() => {}, 1_000)`
  return costOf(start(['--input-type=module', '-e', code]), ({ exitCode, log }) => {
    if (exitCode !== 0) throw new Error(log.join('\n'))
    return true
  })
}

/** The process keeps running after its report, so that its resource usage can be read. */
const start = (args: string[]): ChildProcess =>
  spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'inherit', 'ipc'], detached: true })

// biome-ignore lint/suspicious/noExplicitAny: what each program tells is its own
const costOf = async (child: ChildProcess, isDone: (told: any) => boolean): Promise<Cost> => {
  const pid = child.pid ?? 0
  const cost = watchCost(pid)
  try {
    const died = once(child, 'exit').then(() => Promise.reject(new Error('The process died')))
    died.catch(() => {})
    for (;;) {
      const [told] = await Promise.race([once(child, 'message'), died])
      if (isDone(told)) return cost()
    }
  } finally {
    process.kill(-pid, 'SIGKILL')
  }
}
