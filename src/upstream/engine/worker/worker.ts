/**
 * The process of one job: it is started for a job and ends with it. FFmpeg blocks the main thread for as long as it
 * runs, so a second thread watches the standard input, on which nothing is ever written. It ends when the gateway is
 * gone, however it went, and then this process ends at once with everything it started.
 */
import { constants, setPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { JobFailure } from '../job-failure.js'
import { createNativeFfmpeg } from './ffmpeg/native-ffmpeg.js'
import { createWasmFfmpeg } from './ffmpeg/wasm-ffmpeg.js'
import { type JobOrder, type Made, makeLipSync } from './make-lip-sync.js'

/** What a job's process tells. After one of the last three the gateway ends it. */
export type JobReport =
  | { readonly type: 'audio'; readonly seconds: number }
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'success'; readonly made: Made }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'broken'; readonly reason: string }

/** The process leads a group of its own, which a native FFmpeg is in; on Windows there are no groups. */
const WATCHER = `
  try { require('node:fs').readSync(0, Buffer.alloc(1)) } catch {}
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
`

const work = async (order: JobOrder): Promise<JobReport> => {
  try {
    const ffmpeg = order.ffmpegPath ? createNativeFfmpeg(order.ffmpegPath) : await createWasmFfmpeg()
    const made = await makeLipSync(order, ffmpeg, {
      audioLength: seconds => report({ type: 'audio', seconds }),
      progress: share => report({ type: 'progress', share }),
    })
    return { type: 'success', made }
  } catch (error) {
    if (error instanceof JobFailure) return { type: 'failed', message: error.message }
    return { type: 'broken', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

const report = (told: JobReport) => process.send?.(told)

new Worker(WATCHER, { eval: true, execArgv: [] })
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
process.once('message', async (order: JobOrder) => report(await work(order)))
