import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { makePrivateFolder } from '../../media/durable-files.js'
import type { MediaStore } from '../../media/media-store.js'
import { type SubmitRequest, type Upstream, UpstreamError, type UpstreamJob } from '../../tasks/driver/upstream.js'
import type { JobLimits } from './job-limits.js'
import { createJobQueue, type Slot } from './job-queue.js'
import { createJobRunner } from './job-runner.js'
import { type JobEnd, type JobRecord, openJobStore } from './job-store.js'
import { checkRequirements } from './requirements.js'

export interface EngineUpstreamOptions {
  /** The folder for jobs and temporary files, which are in `jobs/` and `work/` there. */
  readonly dataDir: string
  /** Where the results go. */
  readonly media: MediaStore
  /** A native FFmpeg with libx264; null for the WebAssembly build of the package `@ffmpeg/core`. */
  readonly ffmpegPath: string | null
  /** Hosts that may have a private address, as `host` (any port) or `host:port`. */
  readonly allowedHosts: readonly string[]
  /** Returns the file behind a URL that the gateway itself serves; null for any other URL. */
  ownFile(url: string): string | null
  readonly log: Logger
  /** Stamps the jobs. The time limits of a job use the system's monotonic clock. */
  readonly clock: Clock
  readonly limits: JobLimits
}

/** Task ids are used as file names. */
const TASK_ID = /^[A-Za-z0-9_-]{1,64}$/
const RETRY_MS = 5_000

/**
 * The built-in engine as an upstream. A job is on disk before `submit` resolves. Its id is the id of the task, so
 * submitting a task twice creates one job. Jobs run in the order of their submits, each in a process of its own; jobs
 * that have not ended start again with the gateway.
 *
 * Rejects when FFmpeg or an optional package is missing; the message says what to install.
 */
export async function openEngineUpstream(options: EngineUpstreamOptions): Promise<Upstream> {
  const { media, ffmpegPath, allowedHosts, ownFile, log, clock, limits } = options
  const dataDir = resolve(options.dataDir)
  const workFolder = join(dataDir, 'work')
  await checkRequirements(ffmpegPath)
  const store = await openJobStore(join(dataDir, 'jobs'))
  await rm(workFolder, { recursive: true, force: true })
  await makePrivateFolder(workFolder)

  const runJob = createJobRunner({ workFolder, media, ffmpegPath, allowedHosts, ownFile, limits, log })
  const progress = new Map<string, number>()
  let notify: (taskId: string, what: 'status' | 'progress') => void = () => {}
  const queue = createJobQueue({
    concurrency: limits.concurrency,
    run,
    onChange: taskId => notify(taskId, 'status'),
  })
  await resume()

  const accepting = new Map<string, Promise<void>>()
  let isClosed = false

  async function resume(): Promise<void> {
    for (const record of await store.readPending()) {
      const ended = await store.readEnded(record.job.taskId)
      if (ended) await store.end(ended)
      else queue.add(record.job.taskId, record)
    }
  }

  async function run(record: JobRecord, slot: Slot, stopping: AbortSignal): Promise<void> {
    const { taskId } = record.job
    log.info({ taskId }, 'job started')
    const onProgress = (share: number) => {
      progress.set(taskId, share)
      notify(taskId, 'progress')
    }
    const end = await runJob(record, { slot, stopping, onProgress })
    progress.delete(taskId)
    if (end) await writeEnd(record, end, stopping)
  }

  /** Tries until it succeeds: an end that is not written (a full disk) would be lost. */
  async function writeEnd(record: JobRecord, end: JobEnd, stopping: AbortSignal): Promise<void> {
    const { taskId } = record.job
    while (!stopping.aborted) {
      try {
        await store.end({ ...record, end: { ...end, completedAt: clock.now() } })
        if (end.status === 'success') log.info({ taskId, durationMs: end.result.durationMs }, 'job done')
        else log.warn({ taskId, reason: end.message }, 'job failed')
        return
      } catch (err) {
        log.error({ taskId, err }, 'the end of a job could not be written')
        await clock.sleep(RETRY_MS, stopping)
      }
    }
  }

  async function accept(job: SubmitRequest): Promise<void> {
    if (queue.get(job.taskId) || (await store.readEnded(job.taskId))) return
    const record: JobRecord = { job, mediaId: randomUUID(), createdAt: clock.now() }
    await store.add(record)
    if (!isClosed) queue.add(job.taskId, record)
  }

  async function readJob(taskId: string): Promise<UpstreamJob | null> {
    if (!TASK_ID.test(taskId)) return null
    const job = queue.get(taskId)
    if (job) return { upstreamId: taskId, createdAt: job.entry.createdAt, status: job.status }
    const ended = await store.readEnded(taskId).catch(cause => {
      throw new UpstreamError('unclear', 'The job could not be read', { cause })
    })
    return ended && { upstreamId: taskId, createdAt: ended.createdAt, ...ended.end }
  }

  return {
    name: 'engine',
    submitsPerMinute: null,
    priceOf: () => 0,
    async submit(job) {
      const { taskId } = job
      if (isClosed) throw new UpstreamError('not-accepted', 'The engine is shutting down')
      if (!TASK_ID.test(taskId)) throw new UpstreamError('rejected', 'The task id cannot be used as a file name')
      const accepted = accepting.get(taskId) ?? accept(job).finally(() => accepting.delete(taskId))
      accepting.set(taskId, accepted)
      await accepted.catch(cause => {
        // Trying again is safe even after a partial write, because the same task uses the same file.
        throw new UpstreamError('not-accepted', 'The job could not be written', { cause })
      })
      return taskId
    },
    async getJob(upstreamId) {
      const job = await readJob(upstreamId)
      if (!job) throw new UpstreamError('not-found', 'The engine has no such job')
      return job
    },
    async findJob({ taskId }) {
      const job = await readJob(taskId)
      // Found by the id of the task, so it is the job of this request, whatever its age.
      return job && { ...job, createdAt: null }
    },
    hasCapacity: queue.hasCapacity,
    progress: taskId => (queue.get(taskId) ? (progress.get(taskId) ?? 0) : null),
    onChange(listener) {
      notify = listener
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await Promise.allSettled(accepting.values())
      await queue[Symbol.asyncDispose]()
    },
  }
}
