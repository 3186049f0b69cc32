import { z } from 'zod'
import {
  type AssetFile,
  cutUrlQueries,
  UpstreamError,
  type UpstreamErrorKind,
  type UpstreamJob,
} from '../../tasks/driver/upstream.js'
import type { Inputs } from '../../tasks/task.js'
import type { Json } from './json.js'

/**
 * JoggAI's REST shapes: everything the gateway believes about them is in this file.
 *
 * Every answer is an envelope `{ code, msg, data }`, judged by `code`: an error may come with HTTP 200, and an HTTP
 * status alone says nothing, because it may come from a machine between here and JoggAI. The one exception is HTTP 429,
 * which means the same from any machine. A code is trusted only where it makes sense: a refusal that is not known for
 * this call leaves the call unclear, which is the reading that can cost nothing twice.
 *
 * Values are read generously (letter case, numbers as texts, relative links, fields that are missing but not needed),
 * because a result that was paid for must not be lost over its form. What a job is and how it stands is decided
 * strictly: an unknown status or a success without a usable link stays unclear.
 *
 * Source: JoggAI's public API reference and its official client; the look-up by inputs is in the client only.
 */

/** A call: what to send and how to read the answer. */
export interface Call<T> {
  /** The name of the call in messages. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  /** Throws an `UpstreamError`. */
  read(answer: Answer): T
}

export interface Answer {
  readonly http: number
  /** The header Retry-After as it was sent. */
  readonly retryAfter: string | undefined
  /** The header Date as it was sent. */
  readonly date: string | undefined
  readonly body: Json
  /** The base URL of the API. Relative links are relative to it. */
  readonly baseUrl: string
}

/** The paid call. Returns JoggAI's id of the job. */
export function submitCall(inputs: Inputs): Call<string> {
  return {
    name: 'submit',
    method: 'POST',
    path: '/v2/create_lip_sync_video',
    body: JSON.stringify(namesOf(inputs)),
    read(answer) {
      return open(this.name, SUBMIT_KINDS, Submitted, answer).task_id
    },
  }
}

/** The call that begins a copy of a file. Returns where to send its bytes, and the link that a submit takes. */
export function assetCall({ name, contentType, sizeBytes }: AssetFile): Call<{ signUrl: string; assetUrl: string }> {
  return {
    name: 'asset call',
    method: 'POST',
    path: '/v2/upload/asset',
    body: JSON.stringify({ filename: name, content_type: contentType, file_size: sizeBytes }),
    read(answer) {
      const { sign_url, asset_url } = open(this.name, SUBMIT_KINDS, AssetCreated, answer)
      return { signUrl: sign_url, assetUrl: asset_url }
    },
  }
}

export function statusCall(taskId: string): Call<UpstreamJob> {
  return {
    name: 'status call',
    method: 'GET',
    path: `/v2/lip_sync_video/${encodeURIComponent(taskId)}`,
    read(answer) {
      const unfinished = unfinishedJob(taskId, answer.body)
      if (unfinished) return unfinished
      const job = open(this.name, READ_KINDS, Job, answer)
      // The path named the job, so its id may be missing in the answer.
      if ((job.task_id ?? taskId) !== taskId)
        throw new UpstreamError('unclear', `${this.name} answered about another job`)
      return jobOf(this.name, taskId, job, answer)
    },
  }
}

/** The look-up by inputs. Returns the latest job made from them, or null when JoggAI has none. */
export function findCall(inputs: Inputs): Call<UpstreamJob | null> {
  return {
    name: 'look-up',
    method: 'GET',
    path: `/v2/lip_sync_video?${new URLSearchParams(namesOf(inputs))}`,
    read(answer) {
      try {
        const job = open(this.name, READ_KINDS, Job, answer)
        if (!job.task_id) throw new UpstreamError('unclear', `${this.name} answered code 0 without data.task_id`)
        return jobOf(this.name, job.task_id, job, answer)
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        if (error.kind === 'not-found') return null
        // JoggAI's reference pages don't promise this call; a missing path says nothing about the job.
        if (error.kind === 'unclear' && [404, 405, 501].includes(answer.http))
          throw new UpstreamError('unsupported', `look-up is not offered by the upstream (HTTP ${answer.http})`)
        throw error
      }
    },
  }
}

/** The time in a Date header, which has whole seconds; null when it is missing or malformed. */
export function timeOf({ date = '' }: Pick<Answer, 'date'>): number | null {
  const time = Date.parse(date)
  return Number.isNaN(time) ? null : time
}

type Kinds = Readonly<Record<number, UpstreamErrorKind>>

const KINDS: Kinds = {
  429: 'rate-limited',
  10105: 'account', // invalid key
  18020: 'account', // insufficient credit
  18025: 'account', // no permission to call APIs
  50000: 'unclear', // system error
}
const SUBMIT_KINDS: Kinds = { ...KINDS, 40000: 'rejected' }
const READ_KINDS: Kinds = { ...KINDS, 10104: 'not-found', 17003: 'not-found' }

/** A number, or a text that is one. */
const NumberLike = z.union([z.number(), z.stringFormat('number', /^\s*-?\d+(\.\d+)?\s*$/).transform(Number)])
const RetryAfter = NumberLike.optional().catch(undefined)
const WithRetryAfter = z.object({ retryAfter: RetryAfter })
const Envelope = z.object({
  code: NumberLike.pipe(z.int()),
  msg: z.string().catch(''),
  data: z.unknown().optional(),
  retryAfter: RetryAfter,
})
type Envelope = z.infer<typeof Envelope>

/** An id becomes a part of a path later, so only plain characters are accepted. */
const TaskId = z.union([z.int().nonnegative().transform(String), z.string().regex(/^[\x21-\x7e]{1,200}$/)], {
  error: 'not an id',
})

/** A later time, in Unix seconds, is in another unit. */
const LATEST_TIME = 100_000_000_000

/** Unix seconds, 0 or absent when it has not happened. The rest of the answer is used without it. */
const Time = NumberLike.pipe(z.number().positive().max(LATEST_TIME))
  .transform(seconds => Math.round(seconds * 1000))
  .nullable()
  .catch(null)

/** Seconds. A length that is missing, not positive or beyond any video is unknown. */
const Duration = NumberLike.pipe(z.number().positive().max(1_000_000))
  .transform(seconds => Math.round(seconds * 1000))
  .nullable()
  .catch(null)

const Submitted = z.object({ task_id: TaskId })
const AssetCreated = z.object({ sign_url: z.url({ protocol: /^https?$/ }), asset_url: z.url({ protocol: /^https?$/ }) })
const Output = z.object({
  result_url: z.string(),
  cover_url: z.string().nullable().catch(null),
  duration_seconds: Duration,
})
const Failure = z
  .union([z.string().transform(message => ({ message })), z.object({ message: z.string() })])
  .catch({ message: '' })

const Base = { task_id: TaskId.nullish(), created_at: Time, completed_at: Time }

/** `data` and `error` are read only where the status says that they count: a published example has both filled. */
const Job = z.preprocess(
  normalizeStatus,
  z.discriminatedUnion(
    'status',
    [
      z.object({ ...Base, status: z.literal(['pending', 'processing']) }),
      z.object({ ...Base, status: z.literal('success'), data: Output }),
      z.object({ ...Base, status: z.literal('failed'), error: Failure }),
    ],
    { error: ({ code, input }) => (code === 'invalid_union' ? unknownStatus(Object(input).status) : undefined) },
  ),
)
type Job = z.infer<typeof Job>

/** The documented statuses in lower case, and a synonym of success. */
function normalizeStatus(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !('status' in data) || typeof data.status !== 'string') return data
  const status = data.status.trim().toLowerCase()
  return { ...data, status: status === 'completed' ? 'success' : status }
}

function unknownStatus(status: unknown): string {
  return `unknown status ${typeof status === 'string' ? `"${excerpt(status)}"` : `of type ${typeof status}`}`
}

const NO_REASON = 'JoggAI gave no reason'

/** A foreign text on one line, of bounded length and without the query strings of links, so that it is fit for a log. */
function excerpt(text: string, longest = 200): string {
  const line = cutUrlQueries(text.replace(/[\s\p{Cc}]+/gu, ' ').trim())
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

/** How long to wait, by the envelope or by the header: seconds, or in the header a date by the same clock as Date. */
function retryAfterMs(envelope: Envelope | undefined, answer: Answer): number | undefined {
  const inData = WithRetryAfter.safeParse(envelope?.data).data?.retryAfter
  const seconds = envelope?.retryAfter ?? inData ?? NumberLike.safeParse(answer.retryAfter).data
  if (seconds !== undefined) return Math.max(seconds * 1000, 0)
  const date = timeOf(answer)
  const until = timeOf({ date: answer.retryAfter })
  return until === null || date === null ? undefined : Math.max(until - date, 0)
}

/** Returns the data in the envelope of a success. Throws anything else as what it means. */
function open<T>(name: string, kinds: Kinds, schema: z.ZodType<T>, answer: Answer): T {
  const { http, body } = answer
  const envelope = 'json' in body ? Envelope.safeParse(body.json).data : undefined
  const kind = envelope && kinds[envelope.code]
  const message = `${name} answered ${envelope ? `code ${envelope.code}` : `HTTP ${http}`}`

  if (envelope?.code === 0) {
    const data = schema.safeParse(envelope.data)
    if (data.success) return data.data
    const [issue] = data.error.issues
    throw malformed(name, ['data', ...(issue?.path ?? [])].join('.'), issue?.message ?? 'invalid')
  }
  if (kind === 'rate-limited' || (!kind && http === 429))
    throw new UpstreamError('rate-limited', `${name} was refused for the rate limit`, {
      retryAfterMs: retryAfterMs(envelope, answer),
    })
  if (!envelope) {
    const flaw = 'flaw' in body ? body.flaw : 'JSON that is not an envelope of JoggAI'
    throw new UpstreamError('unclear', http < 300 ? `${message} with ${flaw}` : message)
  }
  const reason = excerpt(envelope.msg)
  if (kind === 'rejected') throw new UpstreamError(kind, reason || NO_REASON)
  throw new UpstreamError(kind ?? 'unclear', reason ? `${message}: ${reason}` : message)
}

/**
 * The job in the most frequent answer, spelt as documented: not finished. Null for any other answer. The schemas read
 * the same from it, at several times the cost.
 */
function unfinishedJob(upstreamId: string, body: Json): UpstreamJob | null {
  if (!('json' in body) || typeof body.json !== 'object' || body.json === null) return null
  const { code, data }: { code?: unknown; data?: unknown } = body.json
  if (code !== 0 || typeof data !== 'object' || data === null) return null
  const { task_id, status, created_at }: { task_id?: unknown; status?: unknown; created_at?: unknown } = data
  if (task_id !== upstreamId || (status !== 'pending' && status !== 'processing')) return null
  if (typeof created_at !== 'number' || !(created_at > 0 && created_at <= LATEST_TIME)) return null
  return { upstreamId, createdAt: Math.round(created_at * 1000), status }
}

function malformed(name: string, place: string, flaw: string): UpstreamError {
  return new UpstreamError('unclear', `${name} answered code 0 with malformed ${place}: ${flaw}`)
}

function jobOf(name: string, upstreamId: string, job: Job, { baseUrl }: Answer): UpstreamJob {
  const base = { upstreamId, createdAt: job.created_at }
  switch (job.status) {
    case 'pending':
    case 'processing':
      return { ...base, status: job.status }
    case 'failed': {
      const message = excerpt(job.error.message, 1000) || NO_REASON
      return { ...base, status: job.status, completedAt: job.completed_at, message }
    }
    case 'success': {
      const { result_url, cover_url, duration_seconds: durationMs } = job.data
      const resultUrl = linkOf(result_url, baseUrl)
      if (!resultUrl) throw malformed(name, 'data.data.result_url', 'not a link')
      const coverUrl = cover_url === null ? null : linkOf(cover_url, baseUrl)
      const result = { resultUrl, coverUrl, durationMs, animation: null, animatedShare: null }
      return { ...base, status: job.status, completedAt: job.completed_at, result }
    }
  }
  job satisfies never
}

/** A relative link starts like a path or ends like a file. Any other text, like `N/A`, is no link. */
const RELATIVE = /^(\.{0,2}\/|[^\s:?#]+\.[a-z0-9]{2,4}([?#]|$))/i

function linkOf(text: string, baseUrl: string): string | null {
  const link = text.trim()
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(link)
  if (!isAbsolute && !RELATIVE.test(link)) return null
  try {
    const url = new URL(link, baseUrl)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
    // A link that is whole stays as it was sent: a signature may depend on its spelling.
    return isAbsolute && !/\s/.test(link) ? link : url.href
  } catch {
    return null
  }
}

/** The three texts that identify a job to JoggAI. The look-up compares them, so a submit sends exactly the same. */
function namesOf({ videoUrl, audioUrl, playbackType, ...others }: Inputs) {
  others satisfies Record<string, never>
  return { video_url: videoUrl, audio_url: audioUrl, playback_type: playbackType }
}
