import { Pool } from 'undici'
import type { Clock } from '../../clock.js'
import { type Upstream, UpstreamError } from '../../tasks/driver/upstream.js'
import { exchange } from './exchange.js'
import { readJson } from './json.js'
import { type Call, findCall, statusCall, submitCall } from './wire.js'

export interface JoggOptions {
  readonly apiKey: string
  /** @default 'https://api.jogg.ai' */
  readonly baseUrl?: string
  /** How long one call may take, its connection included. Milliseconds. @default 10_000 // 10 seconds */
  readonly timeoutMs?: number
  readonly clock: Clock
}

/** JoggAI's lip-sync API as an Upstream. Makes each call once; what to do about a failed one is decided elsewhere. */
export const createJoggUpstream = (options: JoggOptions): Upstream => {
  const { apiKey, baseUrl = 'https://api.jogg.ai', timeoutMs = 10_000, clock } = options
  const { origin, pathname } = new URL(baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const headers = {
    'x-api-key': apiKey,
    'x-api-platform': 'lipsync-gateway',
    accept: 'application/json',
    'accept-encoding': 'identity',
  }
  const hide = (text: string) => text.replaceAll(apiKey, '[key]')

  // The clock alone ends a call. The connection's own limit only frees the socket of one that was given up.
  const limits = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs } }
  const reads = new Pool(origin, limits)
  // A kept connection may be closed by the other side just as a request leaves on it, and then nobody can tell whether
  // it was read. For a look that is a delay, for a submit a doubt about money: each submit has its own connection.
  const submits = new Pool(origin, { ...limits, pipelining: 0 })

  const make = async <T>(call: Call<T>, signal: AbortSignal): Promise<T> => {
    const ending = new AbortController()
    const stop = () => ending.abort(new Error('was stopped'))
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    void clock
      .sleep(timeoutMs, ending.signal)
      .then(() => ending.abort(new Error(`timed out after ${timeoutMs / 1000} s`)))

    const { name, method, path, body } = call
    const outcome = await exchange(
      method === 'POST' ? submits : reads,
      {
        method,
        path: `${basePath}${path}`,
        headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
        body,
      },
      ending.signal,
    )
    const ended = ending.signal.aborted
    ending.abort()
    signal.removeEventListener('abort', stop)

    if (!('reason' in outcome)) return call.read({ ...outcome, body: readJson(outcome.body, hide), at: clock.now() })
    const why = hide(outcome.reason.message || String(Object(outcome.reason).code ?? outcome.reason.name))
    if (outcome.sent) throw new UpstreamError('unclear', ended ? `${name} ${why}` : `${name} lost its answer: ${why}`)
    throw new UpstreamError(
      'not-accepted',
      ended ? `${name} ${why} before it was sent` : `${name} could not be sent: ${why}`,
    )
  }

  return {
    name: 'jogg',
    submit: (job, signal) => make(submitCall(job), signal),
    getJob: (upstreamId, signal) => make(statusCall(upstreamId), signal),
    findJob: (job, signal) => make(findCall(job), signal),
    async [Symbol.asyncDispose]() {
      await Promise.all([reads.destroy(), submits.destroy()])
    },
  }
}
