import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../../clock.js'
import { type SubmitRequest, type Upstream, UpstreamError, type UpstreamJob } from '../../tasks/driver/upstream.js'
import { checkPackages } from './check-packages.js'
import { type JobRecord, openJobFiles } from './job-files.js'
import { createJobQueue } from './job-queue.js'
import { type Limits, resolveLimits } from './limits.js'
import { createJobRunner, workFolder } from './run-job.js'

export interface LocalUpstreamOptions {
  /** Where jobs, temporary files and results lie: `jobs/`, `work/` and `media/` in there. */
  dataDir: string
  /** A native FFmpeg with libx264. @default The WebAssembly one of the package `@ffmpeg/core` */
  ffmpegPath?: string | undefined
  /** Hosts whose address may be private, as `host` (any port) or `host:port`. */
  allowedHosts: readonly string[]
  /** The file behind a URL that the gateway itself serves, so that it is not fetched; null for any other URL. */
  ownFile(url: string): string | null
  log: Logger
  /** Stamps the jobs. How long a job may run is measured by the system's time. @default systemClock */
  clock?: Clock
  /** What a job may cost; `Limits` tells the defaults. */
  limits?: Partial<Limits>
}

/** Task ids become file names. */
const TASK_ID = /^[A-Za-z0-9_-]{1,64}$/
const RETRY_MS = 5_000

/**
 * The built-in engine as an upstream. A job is on disk before `submit` answers, under the task's id, which is also its
 * id here: to submit a task twice is to submit it once. Jobs run in the order they came, each in a process of its own,
 * and what had not ended starts again with the gateway. Rejects when FFmpeg or an optional package is
 * missing, and says what to do.
 */
export const openLocalUpstream = async (options: LocalUpstreamOptions): Promise<Upstream> => {
  const { ffmpegPath = null, log, clock = systemClock } = options
  const dataDir = resolve(options.dataDir)
  const limits = resolveLimits(options.limits)
  await checkPackages(ffmpegPath)
  const files = await openJobFiles(join(dataDir, 'jobs'))
  await rm(workFolder(dataDir), { recursive: true, force: true })
  await mkdir(join(dataDir, 'media'), { recursive: true })

  const runJob = createJobRunner({ ...options, dataDir, ffmpegPath, limits })
  const progress = new Map<string, number>()
  let tell: (taskId: string, what: 'status' | 'progress') => void = () => {}

  const run = async (record: JobRecord, stopping: AbortSignal) => {
    const { taskId } = record.job
    log.info({ taskId }, 'job started')
    const end = await runJob(record, stopping, share => {
      progress.set(taskId, share)
      tell(taskId, 'progress')
    })
    progress.delete(taskId)
    // An end that cannot be written (the disk is full) is one that would be lost: it waits until it can.
    while (end && !stopping.aborted) {
      const completedAt = clock.now()
      try {
        await files.end({ ...record, end: { ...end, completedAt } })
        if (end.status === 'success') log.info({ taskId, durationMs: end.result.durationMs }, 'job done')
        else log.warn({ taskId, reason: end.message }, 'job failed')
        return
      } catch (err) {
        log.error({ taskId, err }, 'the end of a job could not be written')
        await clock.sleep(RETRY_MS, stopping)
      }
    }
  }
  const queue = createJobQueue(limits.concurrency, run, taskId => tell(taskId, 'status'))
  for (const record of await files.readPending()) {
    const ended = await files.readEnded(record.job.taskId)
    if (ended) await files.end(ended)
    else queue.add(record.job.taskId, record)
  }

  const accepting = new Map<string, Promise<void>>()
  let closed = false

  const accept = async (job: SubmitRequest): Promise<void> => {
    if (queue.get(job.taskId) || (await files.readEnded(job.taskId))) return
    const record: JobRecord = { job, mediaId: randomUUID(), createdAt: clock.now() }
    await files.add(record)
    if (!closed) queue.add(job.taskId, record)
  }

  const sight = async (taskId: string): Promise<UpstreamJob | null> => {
    if (!TASK_ID.test(taskId)) return null
    const job = queue.get(taskId)
    if (job) return { upstreamId: taskId, createdAt: job.entry.createdAt, status: job.status }
    const ended = await files.readEnded(taskId).catch(cause => {
      throw new UpstreamError('unclear', 'The job could not be read', { cause })
    })
    return ended && { upstreamId: taskId, createdAt: ended.createdAt, ...ended.end }
  }

  return {
    name: 'local',
    submitsPerMinute: null,
    priceOf: () => 0,
    async submit(job) {
      const { taskId } = job
      if (closed) throw new UpstreamError('not-accepted', 'The engine is shutting down')
      if (!TASK_ID.test(taskId)) throw new UpstreamError('rejected', 'The task id is not one that can name a file')
      const accepted = accepting.get(taskId) ?? accept(job).finally(() => accepting.delete(taskId))
      accepting.set(taskId, accepted)
      await accepted.catch(cause => {
        // Whatever part of it was written, the same task is the same file: to try again is safe.
        throw new UpstreamError('not-accepted', 'The job could not be written', { cause })
      })
      return taskId
    },
    async getJob(upstreamId) {
      const sighting = await sight(upstreamId)
      if (!sighting) throw new UpstreamError('not-found', 'The engine has no such job')
      return sighting
    },
    async findJob({ taskId }) {
      const job = await sight(taskId)
      // It was found by the task's id, so it certainly belongs to the request.
      return job && { ...job, createdAt: null }
    },
    hasCapacity: queue.hasCapacity,
    progress: taskId => (queue.get(taskId) ? (progress.get(taskId) ?? 0) : null),
    onChange(listener) {
      tell = listener
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await Promise.allSettled(accepting.values())
      await queue[Symbol.asyncDispose]()
    },
  }
}
