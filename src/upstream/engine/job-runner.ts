import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { makePrivateFolder } from '../../media/durable-files.js'
import type { MediaStore } from '../../media/media-store.js'
import type { SubmitRequest } from '../../tasks/driver/upstream.js'
import type { Result } from '../../tasks/task.js'
import { fetchInputs, type InputFiles } from './fetch-inputs.js'
import { DISK_FULL, isDiskFull, JobFailure } from './job-failure.js'
import type { JobLimits } from './job-limits.js'
import type { Slot } from './job-queue.js'
import type { JobEnd, JobRecord } from './job-store.js'
import { runWorker } from './worker-process.js'

export interface JobRunnerDeps {
  /** Contains a folder for each job while it runs. */
  readonly workFolder: string
  readonly media: MediaStore
  readonly ffmpegPath: string | null
  readonly allowedHosts: readonly string[]
  readonly limits: JobLimits
  ownFile(url: string): string | null
  readonly log: Logger
}

/** How a running job is connected to the queue and to those who follow it. */
export interface JobContext {
  readonly slot: Slot
  readonly stopping: AbortSignal
  /** @param share 0 to 1 */
  onProgress(share: number): void
}

/** The cover comes first, so that a visible video always has its cover. */
const OUTPUTS = [
  ['cover', 'cover.jpg'],
  ['video', 'lipsync.mp4'],
] as const

/**
 * Creates the function that runs a job: it downloads the inputs, has a worker process make the video, and moves the
 * result to the media store. The function returns how the job ended, or null when it was stopped. It never rejects, and
 * removes the job's folder.
 */
export function createJobRunner(deps: JobRunnerDeps) {
  const { workFolder, media, ffmpegPath, limits, log } = deps

  async function run(record: JobRecord, folder: string, context: JobContext): Promise<JobEnd | null> {
    const { job, mediaId } = record
    const { stopping, onProgress } = context
    await makePrivateFolder(folder)
    const inputs = await fetchWithSlot(job, folder, context)
    const outputs = Object.fromEntries(OUTPUTS.map(([key, name]) => [key, join(folder, name)])) as Outputs
    const { playbackType } = job
    const end = await runWorker({ ...inputs, playbackType, folder, outputs, limits, ffmpegPath }, stopping, onProgress)
    switch (end.status) {
      case 'stopped':
        return null
      case 'failed':
        if (end.detail) log.error({ taskId: job.taskId, detail: end.detail }, 'a worker process failed')
        return { status: 'failed', message: end.message }
      case 'success':
        for (const [key, name] of OUTPUTS) await media.put(mediaId, name, outputs[key])
        return { status: 'success', result: resultOf(mediaId, end.outcome) }
    }
    end satisfies never
  }

  /** Downloads the inputs. A slow download leaves the slot to other jobs, and waits for a free one when it is done. */
  async function fetchWithSlot(
    job: SubmitRequest,
    folder: string,
    { slot, stopping }: JobContext,
  ): Promise<InputFiles> {
    const timer = setTimeout(slot.release, limits.slotFetchMs)
    try {
      const inputs = await fetchInputs(job, folder, { ...deps, ...limits }, stopping)
      clearTimeout(timer)
      await slot.acquire()
      return inputs
    } finally {
      clearTimeout(timer)
    }
  }

  function resultOf(mediaId: string, outcome: Omit<Result, 'resultUrl' | 'coverUrl'>): Result {
    const [coverUrl, resultUrl] = OUTPUTS.map(([, name]) => media.publicPath(mediaId, name)) as [string, string]
    return { resultUrl, coverUrl, ...outcome }
  }

  return async (record: JobRecord, context: JobContext): Promise<JobEnd | null> => {
    const { taskId } = record.job
    const folder = join(workFolder, taskId)
    try {
      return await run(record, folder, context)
    } catch (err) {
      if (context.stopping.aborted) return null
      if (err instanceof JobFailure) return { status: 'failed', message: err.message }
      log.error({ taskId, err }, isDiskFull(err) ? 'the disk is full' : 'a job could not be run')
      return { status: 'failed', message: isDiskFull(err) ? DISK_FULL : 'The engine failed.' }
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(err => log.error({ taskId, err }, 'clean-up failed'))
    }
  }
}

type Outputs = Readonly<Record<(typeof OUTPUTS)[number][0], string>>
