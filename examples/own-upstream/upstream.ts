import { type Upstream, UpstreamError, type UpstreamJob } from 'lipsync-gateway'

/**
 * Another vendor behind the gateway's promises: an upstream for an imaginary HTTP API.
 *
 *     POST /jobs            { "ref", "video", "audio", "mode" } → 201 { "id" }
 *     GET  /jobs/ID         → 200 { "id", "state", "url", "seconds", "reason" } or 404
 *     GET  /jobs?ref=REF    → 200 { "jobs": [ … ] }
 *
 * `ref` is the gateway's id of the task, so that a job is found after its answer was lost.
 */
export function createAcmeUpstream({ baseUrl, token, timeoutMs = 10_000 }: AcmeOptions): Upstream {
  async function call(method: string, path: string, signal: AbortSignal, body?: object): Promise<Response> {
    try {
      return await fetch(new URL(path, baseUrl), {
        method,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    } catch (cause) {
      // Whether the request arrived is not known, so this must not say that the job was not accepted.
      throw new UpstreamError('unclear', `${method} ${path} got no answer`, { cause })
    }
  }

  return {
    name: 'acme',
    submitsPerMinute: 60,
    // One hundredth of a credit for each second that was begun.
    priceOf: durationMs => Math.ceil(durationMs / 1_000),

    async submit({ taskId, videoUrl, audioUrl, playbackType }, signal) {
      const body = { ref: taskId, video: videoUrl, audio: audioUrl, mode: playbackType }
      const response = await call('POST', '/jobs', signal, body)
      if (response.status === 201) return (await readJob(response)).upstreamId
      if (response.status === 422) throw new UpstreamError('rejected', await reasonOf(response))
      throw await errorOf(response)
    },

    async getJob(upstreamId, signal) {
      const response = await call('GET', `/jobs/${encodeURIComponent(upstreamId)}`, signal)
      if (response.status === 404) throw new UpstreamError('not-found', 'ACME has no such job')
      if (!response.ok) throw await errorOf(response)
      return readJob(response)
    },

    async findJob({ taskId }, signal) {
      const response = await call('GET', `/jobs?ref=${encodeURIComponent(taskId)}`, signal)
      if (!response.ok) throw await errorOf(response)
      const { jobs } = (await readJson(response)) as { jobs?: unknown }
      if (!Array.isArray(jobs)) throw new UpstreamError('unclear', 'ACME sent a list without jobs')
      return jobs.length === 0 ? null : toJob(jobs.at(-1))
    },

    async [Symbol.asyncDispose]() {},
  }
}

export interface AcmeOptions {
  readonly baseUrl: string
  readonly token: string
  /** Time limit of each call, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number
}

/** What a refusal means. Anything that is not certain is `unclear`: that costs time, and no money. */
async function errorOf(response: Response): Promise<UpstreamError> {
  const reason = await reasonOf(response)
  switch (response.status) {
    case 401:
    case 402:
    case 403:
      return new UpstreamError('account', reason)
    case 429: {
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
      return new UpstreamError(
        'rate-limited',
        reason,
        Number.isFinite(seconds) ? { retryAfterMs: seconds * 1_000 } : {},
      )
    }
    default:
      return new UpstreamError('unclear', `HTTP ${response.status}: ${reason}`)
  }
}

async function readJob(response: Response): Promise<UpstreamJob> {
  return toJob(await readJson(response))
}

function toJob(json: unknown): UpstreamJob {
  const { id, state, url, seconds, reason } = Object(json) as Record<string, unknown>
  if (typeof id !== 'string') throw new UpstreamError('unclear', 'ACME sent a job without id')
  // The job was found by the id of the task, or by its own: its age does not matter.
  const job = { upstreamId: id, createdAt: null }
  if (state === 'waiting') return { ...job, status: 'pending' }
  if (state === 'running') return { ...job, status: 'processing' }
  if (state === 'failed') return { ...job, status: 'failed', completedAt: null, message: String(reason) }
  if (state !== 'done' || typeof url !== 'string') throw new UpstreamError('unclear', `ACME sent the state ${state}`)
  const durationMs = typeof seconds === 'number' ? Math.round(seconds * 1_000) : null
  const result = { resultUrl: url, coverUrl: null, durationMs, animation: null, animatedShare: null }
  return { ...job, status: 'success', completedAt: null, result }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    throw new UpstreamError('unclear', 'ACME sent a body that is not JSON', { cause })
  }
}

async function reasonOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  return text.slice(0, 200) || `HTTP ${response.status}`
}
