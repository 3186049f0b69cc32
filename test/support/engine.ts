import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { systemClock } from '../../src/clock.js'
import { createMediaStore } from '../../src/media/media-store.js'
import type { SubmitRequest, UpstreamJob } from '../../src/tasks/driver/upstream.js'
import { type EngineUpstreamOptions, openEngineUpstream } from '../../src/upstream/engine/engine-upstream.js'
import type { JobLimits } from '../../src/upstream/engine/job-limits.js'
import { temporaryFolder } from './engine-media.js'
import { testLimits } from './engine-worker.js'

export const never = new AbortController().signal

export function submitRequestOf(videoUrl: string, audioUrl: string, taskId: string = randomUUID()): SubmitRequest {
  return {
    taskId,
    videoUrl,
    audioUrl,
    playbackType: 'normal',
  }
}

interface Line {
  readonly msg: string
  readonly taskId?: string
}

type EngineOptions = Partial<Omit<EngineUpstreamOptions, 'limits'>> & { limits?: Partial<JobLimits> }

/** The engine in a folder, with the default limits; it may fetch from loopback addresses. */
export function openEngine({ dataDir = '', limits, ...options }: EngineOptions) {
  return openEngineUpstream({
    dataDir,
    media: createMediaStore(dataDir),
    ffmpegPath: null,
    allowedHosts: ['127.0.0.1'],
    ownFile: () => null,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    limits: testLimits(limits),
    ...options,
  })
}

/** The engine in a temporary folder, or in a given one, with the lines of its log. */
export async function startEngine(options: EngineOptions = {}) {
  const folder = options.dataDir ? null : await temporaryFolder()
  const dataDir = options.dataDir ?? folder?.path ?? ''
  const lines: Line[] = []
  const events = new EventEmitter()
  const log = pino({ base: null }, { write: text => void events.emit('line', lines[lines.push(JSON.parse(text)) - 1]) })
  const upstream = await openEngine({ log, ...options, dataDir })

  /** Resolves when the engine has logged this of the task, which may have been before. */
  const logged = async (msg: string, taskId: string): Promise<void> => {
    const is = (line: Line) => line.msg === msg && line.taskId === taskId
    while (!lines.some(is)) await once(events, 'line')
  }
  return {
    upstream,
    dataDir,
    lines,
    logged,
    media: createMediaStore(dataDir),
    submit: (job: SubmitRequest) => upstream.submit(job, never),
    getJob: (id: string) => upstream.getJob(id, never),
    /** How the job ended, once it did. */
    async ended(taskId: string): Promise<UpstreamJob> {
      await Promise.race([logged('job done', taskId), logged('job failed', taskId)])
      await setImmediate() // The line is written just before the job leaves the queue.
      return await upstream.getJob(taskId, never)
    },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]()
      await folder?.[Symbol.asyncDispose]()
    },
  }
}
