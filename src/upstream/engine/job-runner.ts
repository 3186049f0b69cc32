import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { moveDurably, syncFolder } from '../../durable-files.js'
import { MEDIA_PATH, mediaFolder } from '../../media/media-store.js'
import type { Limits } from './job-limits.js'
import type { JobEnd, JobRecord } from './job-store.js'
import { type InputSource, OUTPUTS } from './worker/make-lip-sync.js'
import { runJobProcess } from './worker-process.js'

export interface JobRunnerParts {
  readonly dataDir: string
  readonly ffmpegPath: string | null
  readonly allowedHosts: readonly string[]
  readonly limits: Limits
  ownFile(url: string): string | null
  readonly log: Logger
}

/** Where jobs keep what is only theirs while they run. */
export const workFolder = (dataDir: string): string => join(dataDir, 'work')

/**
 * Does a job from its inputs to the files that are served, and leaves nothing else behind. Answers how it ended, or null
 * when it was stopped.
 */
export const createJobRunner = (parts: JobRunnerParts) => {
  const { dataDir, ffmpegPath, allowedHosts, limits, ownFile, log } = parts
  const inputOf = (url: string): InputSource => {
    const file = ownFile(url)
    return file === null ? { url } : { file }
  }

  return async (
    { job, mediaId }: JobRecord,
    stopping: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<JobEnd | null> => {
    const { taskId, videoUrl, audioUrl, playbackType } = job
    const folder = join(workFolder(dataDir), taskId)
    const inputs = { video: inputOf(videoUrl), audio: inputOf(audioUrl) }
    try {
      const order = { ...inputs, playbackType, folder, limits, allowedHosts, ffmpegPath }
      const end = await runJobProcess(order, stopping, onProgress)
      if (end.status === 'stopped') return null
      if (end.status === 'failed') {
        if (end.detail) log.error({ taskId, detail: end.detail }, 'a job crashed')
        return { status: 'failed', message: end.message }
      }
      await publish(folder, mediaFolder(dataDir, mediaId))
      const served = `${MEDIA_PATH}${mediaId}/`
      const [resultUrl, coverUrl] = [`${served}${OUTPUTS.video}`, `${served}${OUTPUTS.cover}`]
      return { status: 'success', result: { resultUrl, coverUrl, ...end.made } }
    } catch (err) {
      log.error({ taskId, err }, 'a result could not be stored')
      return { status: 'failed', message: 'The result could not be stored.' }
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(err => log.error({ taskId, err }, 'clean-up failed'))
    }
  }
}

/** The video goes last: whoever sees it finds the cover too. */
const publish = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true })
  await syncFolder(join(to, '..'))
  for (const name of [OUTPUTS.cover, OUTPUTS.video]) await moveDurably(join(from, name), join(to, name))
}
