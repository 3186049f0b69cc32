/**
 * The process of one job. FFmpeg blocks the main thread for as long as it runs, so a second thread reads the standard
 * input, on which nothing is ever written. It ends when the gateway has ended, for whatever reason, and then this process
 * ends at once with everything it started.
 */
import { constants, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { DISK_FULL, isDiskFull, JobFailure } from '../job-failure.js'
import { createNativeFfmpeg } from './ffmpeg/native-ffmpeg.js'
import { createWasmFfmpeg } from './ffmpeg/wasm-ffmpeg.js'
import { makeLipSync } from './make-lip-sync.js'
import type { WorkerInput, WorkerReport } from './messages.js'

/** The process leads a process group that includes a native FFmpeg. Windows has no process groups. */
const WATCHER = `
  try { require('node:fs').readSync(0, Buffer.alloc(1)) } catch {}
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
`

new Worker(WATCHER, { eval: true, execArgv: [] })
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
process.umask(0o077) // The files are for the gateway's user only, those of a native FFmpeg as well.
process.once('message', async (input: WorkerInput) => report(await work(input)))

async function work(input: WorkerInput): Promise<WorkerReport> {
  try {
    const { ffmpegPath, limits } = input
    const ffmpeg = ffmpegPath ? createNativeFfmpeg(ffmpegPath, limits.pixels) : await createWasmFfmpeg()
    const outcome = await makeLipSync(input, ffmpeg, {
      audioLength: seconds => report({ type: 'audio', seconds }),
      progress: share => report({ type: 'progress', share }),
    })
    return { type: 'success', outcome }
  } catch (error) {
    if (error instanceof JobFailure) return { type: 'failed', message: error.message }
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return isDiskFull(error) ? { type: 'failed', message: DISK_FULL, detail } : { type: 'broken', detail }
  }
}

function report(message: WorkerReport): void {
  process.send?.(message)
}
