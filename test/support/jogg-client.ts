import { type SubmitRequest, UpstreamError } from '../../src/tasks/driver/upstream.js'
import { createJoggUpstream, type JoggOptions } from '../../src/upstream/jogg/client.js'
import { startJogg } from './jogg.js'
import { createManualClock } from './manual-clock.js'

/** The request of the tests. Its URLs show whether they are sent unchanged. */
export const job: SubmitRequest = {
  taskId: 'task-1',
  videoUrl: 'https://cdn.example/a b.mp4?sig=x%2By&n=1+1',
  audioUrl: 'https://cdn.example/ü.mp3#t=1',
  playbackType: 'normal_reverse',
}
export const never = new AbortController().signal

/** The JoggAI upstream on a manual clock, facing the scripted JoggAI. A call ends with its result or the fields of its error. */
export async function startJoggClient(options: Partial<JoggOptions> = {}) {
  const clock = createManualClock(Date.UTC(2025, 0, 1))
  const jogg = await startJogg({ now: clock.now })
  const upstream = createJoggUpstream({ apiKey: jogg.apiKey, baseUrl: jogg.url, timeoutMs: 10_000, clock, ...options })
  const { findJob = () => Promise.reject(new Error('JoggAI has a look-up')) } = upstream
  return {
    clock,
    jogg,
    submit: () => settled(upstream.submit(job, never)),
    getJob: (id = 'up-1') => settled(upstream.getJob(id, never)),
    findJob: () => settled(findJob(job, never)),
    upstream,
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}

/** The outcome of a call; of an UpstreamError its fields. */
export function settled<T>(call: Promise<T>) {
  return call.catch((error: unknown) => {
    if (!(error instanceof UpstreamError)) throw error
    const { kind, message, retryAfterMs } = error
    return retryAfterMs === null ? { kind, message } : { kind, message, retryAfterMs }
  })
}
