import { type SubmitRequest, UpstreamError } from '../../src/tasks/driver/upstream.js'
import { createJoggUpstream, type JoggOptions } from '../../src/upstream/jogg/client.js'
import { startJogg } from './jogg.js'
import { createManualClock } from './manual-clock.js'

/** What the tests ask for: URLs that show whether they are sent as they are. */
export const job: SubmitRequest = {
  taskId: 'task-1',
  videoUrl: 'https://cdn.example/a b.mp4?sig=x%2By&n=1+1',
  audioUrl: 'https://cdn.example/ü.mp3#t=1',
  playbackType: 'normal_reverse',
}
export const never = new AbortController().signal

/** The JoggAI upstream on a manual clock, facing the scripted JoggAI. A call ends with its result or what its error says. */
export const startJoggClient = async (options: Partial<JoggOptions> = {}) => {
  const clock = createManualClock(Date.UTC(2025, 0, 1))
  const jogg = await startJogg({ now: clock.now })
  const upstream = createJoggUpstream({ apiKey: jogg.apiKey, baseUrl: jogg.url, clock, ...options })
  return {
    clock,
    jogg,
    submit: () => settled(upstream.submit(job, never)),
    getJob: (id = 'up-1') => settled(upstream.getJob(id, never)),
    findJob: () => settled(upstream.findJob(job, never)),
    upstream,
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]()
      await jogg[Symbol.asyncDispose]()
    },
  }
}

/** What came of a call; an UpstreamError as the two or three things that it says. */
export const settled = <T>(call: Promise<T>) =>
  call.catch((error: unknown) => {
    if (!(error instanceof UpstreamError)) throw error
    const { kind, message, retryAfterMs } = error
    return retryAfterMs === null ? { kind, message } : { kind, message, retryAfterMs }
  })
