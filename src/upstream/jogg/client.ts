import { Pool } from 'undici'
import type { Clock } from '../../clock.js'
import { type Upstream, UpstreamError } from '../../tasks/driver/upstream.js'
import { createCallLimits } from './call-limits.js'
import { startExchange } from './exchange.js'
import { readJson } from './json.js'
import { joggPriceOf } from './price.js'
import { sendAsset } from './send-asset.js'
import { assetCall, type Call, findCall, statusCall, submitCall, timeOf } from './wire.js'

export interface JoggOptions {
  readonly apiKey: string
  /** The URL of the API: `https://api.jogg.ai`. */
  readonly baseUrl: string
  /** How long one call may take, its connection included, in milliseconds. */
  readonly timeoutMs: number
  readonly clock: Clock
}

/** What JoggAI's documents allow: 20 POSTs a minute for each key. */
const SUBMITS_PER_MINUTE = 20

/** JoggAI's lip-sync API as an upstream. Makes each call once. */
export function createJoggUpstream({ apiKey, baseUrl, timeoutMs, clock }: JoggOptions): Upstream {
  const { origin, pathname } = new URL(baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const headers = {
    'x-api-key': apiKey,
    'x-api-platform': 'lipsync-gateway',
    accept: 'application/json',
    'accept-encoding': 'identity',
  }
  const posted = { ...headers, 'content-type': 'application/json' }

  // The clock alone ends a call. The connection's own limit only frees the socket of a call that was given up.
  const limits = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs } }
  const reads = new Pool(origin, limits)
  // The other side may close a kept connection just as a request leaves on it, and then nobody knows whether it was
  // read. For a status check that is a delay, for a submit a doubt about money: each submit has its own connection.
  const submits = new Pool(origin, { ...limits, pipelining: 0 })

  /** JoggAI's clock at the latest answer. */
  let told: { readonly time: number; readonly mono: number } | null = null
  const learnTime = (answer: { date: string | undefined }) => {
    const time = timeOf(answer)
    if (time !== null) told = { time, mono: clock.monotonic() }
  }

  const callLimits = createCallLimits(clock, timeoutMs)

  const make = async <T>(call: Call<T>, signal: AbortSignal): Promise<T> => {
    const { name, method, path, body } = call
    if (signal.aborted) throw new UpstreamError('not-accepted', `${name} was stopped before it was sent`)
    const { outcome: coming, stop } = startExchange(method === 'POST' ? submits : reads, {
      method,
      path: `${basePath}${path}`,
      headers: body ? posted : headers,
      ...(body && { body }),
    })
    let ended = false
    const unwatch = callLimits.watch(signal, reason => {
      ended = true
      stop(reason)
    })
    const outcome = await coming
    unwatch()

    if (!('reason' in outcome)) {
      learnTime(outcome)
      return call.read({ ...outcome, body: readJson(outcome.body, apiKey), baseUrl: `${origin}${basePath}/` })
    }
    const reason = outcome.reason.message || String(Object(outcome.reason).code ?? outcome.reason.name)
    const why = reason.replaceAll(apiKey, '[key]')
    if (outcome.sent) throw new UpstreamError('unclear', ended ? `${name} ${why}` : `${name} lost its answer: ${why}`)
    throw new UpstreamError(
      'not-accepted',
      ended ? `${name} ${why} before it was sent` : `${name} could not be sent: ${why}`,
    )
  }

  return {
    name: 'jogg',
    submitsPerMinute: SUBMITS_PER_MINUTE,
    priceOf: joggPriceOf,
    submit: (request, signal) => make(submitCall(request), signal),
    getJob: (upstreamId, signal) => make(statusCall(upstreamId), signal),
    findJob: (request, signal) => make(findCall(request), signal),
    async createAsset(file, signal) {
      const { signUrl, assetUrl } = await make(assetCall(file), signal)
      return { url: assetUrl, send: sending => sendAsset(signUrl, file, sending) }
    },
    time: () => told && told.time + clock.monotonic() - told.mono,
    async [Symbol.asyncDispose]() {
      await Promise.all([reads.destroy(), submits.destroy()])
    },
  }
}
