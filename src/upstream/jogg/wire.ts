import { z } from 'zod'
import { UpstreamError, type UpstreamErrorKind, type UpstreamJob } from '../../tasks/driver/upstream.js'
import type { Inputs } from '../../tasks/task.js'
import type { Json } from './json.js'

/**
 * JoggAI's REST shapes: everything the gateway believes about them stands in this file.
 *
 * Every answer is an envelope `{ code, msg, data }`, judged by `code`: an error may come with HTTP 200, and an HTTP
 * status alone says nothing, because it may be some machine's between here and JoggAI. The one exception is HTTP 429,
 * which means the same whoever says it. A code is trusted only where it makes sense: a refusal that is not known for
 * this call leaves the call unclear, which is the reading that can cost nothing twice.
 *
 * Source: JoggAI's public API reference and its official client; the look-up by inputs is in the client only.
 */

/** A call: what to send and how to read what comes back. */
export interface Call<T> {
  /** How messages name it. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  /** Rejects with an UpstreamError. */
  read(answer: Answer): T
}

export interface Answer {
  readonly http: number
  /** The header Retry-After as it was sent. */
  readonly retryAfter: string | undefined
  /** The header Date as it was sent. */
  readonly date: string | undefined
  /** When it came. Milliseconds since the Unix epoch. */
  readonly at: number
  readonly body: Json
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

/** A rate limit counted per minute never asks for more. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

const Seconds = z.union([z.number(), z.stringFormat('seconds', /^\d+$/).transform(Number)])
const RetryAfter = Seconds.optional().catch(undefined)
const WithRetryAfter = z.object({ retryAfter: RetryAfter })
const Envelope = z.object({
  code: z.int(),
  msg: z.string().catch(''),
  data: z.unknown().optional(),
  retryAfter: RetryAfter,
})
type Envelope = z.infer<typeof Envelope>

/** An id is put into a path later, so it is held to what needs no second thought there. */
const TaskId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'not an id')

/** Unix seconds, 0 or absent when it has not happened. No time is worth losing the rest of the answer. */
const Time = z
  .number()
  .positive()
  .max(100_000_000_000)
  .transform(seconds => Math.round(seconds * 1000))
  .nullable()
  .catch(null)

const Submitted = z.object({ task_id: TaskId })
const HttpUrl = z.url({ protocol: /^https?$/ })
const Job = { task_id: TaskId, created_at: Time, completed_at: Time }

/** `data` and `error` are read only where the status says that they count: an example shows both filled. */
const Status = z.discriminatedUnion(
  'status',
  [
    z.object({ ...Job, status: z.literal(['pending', 'processing']) }),
    z.object({
      ...Job,
      status: z.literal('success'),
      data: z.object({
        result_url: HttpUrl,
        cover_url: HttpUrl.nullable().catch(null),
        duration_seconds: z.number().nonnegative().max(1_000_000),
      }),
    }),
    z.object({
      ...Job,
      status: z.literal('failed'),
      error: z.object({ message: z.string() }).catch({ message: '' }),
    }),
  ],
  { error: ({ code, input }) => (code === 'invalid_union' ? unknownStatus(Object(input).status) : undefined) },
)

const unknownStatus = (status: unknown) =>
  `unknown status ${typeof status === 'string' ? `"${excerpt(status)}"` : `of type ${typeof status}`}`

const NO_REASON = 'JoggAI gave no reason'

/** A foreign text on one line and of bounded length, so that it is fit for a log. */
const excerpt = (text: string, longest = 200) => {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

/** How long to wait, by the envelope or by the header: seconds, or in the header a date. */
const retryAfterMs = (envelope: Envelope | undefined, { retryAfter: header, at }: Answer) => {
  const inData = WithRetryAfter.safeParse(envelope?.data).data?.retryAfter
  const seconds = envelope?.retryAfter ?? inData ?? Seconds.safeParse(header).data
  const ms = seconds === undefined ? Date.parse(header ?? '') - at : seconds * 1000
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS)
}

/** What is in the envelope of a success; anything else is thrown as what it means. */
const open = <T>(name: string, kinds: Kinds, schema: z.ZodType<T>, answer: Answer): T => {
  const { http, body } = answer
  const envelope = 'json' in body ? Envelope.safeParse(body.json).data : undefined
  const kind = envelope && kinds[envelope.code]
  const message = `${name} answered ${envelope ? `code ${envelope.code}` : `HTTP ${http}`}`

  if (envelope?.code === 0) {
    const data = schema.safeParse(envelope.data)
    if (data.success) return data.data
    const [issue] = data.error.issues
    const place = ['data', ...(issue?.path ?? [])].join('.')
    throw new UpstreamError('unclear', `${message} with malformed ${place}: ${issue?.message}`)
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

/** How far JoggAI's clock is ahead of ours, by the answer's Date header; 0 where it has none. Milliseconds. */
const skewOf = ({ date = '', at }: Answer): number => {
  const told = Date.parse(date)
  return Number.isNaN(told) ? 0 : told - at
}

const sightingOf = (told: z.infer<typeof Status>, answer: Answer): UpstreamJob => {
  const createdAt = told.created_at === null ? null : told.created_at - skewOf(answer)
  const job = { upstreamId: told.task_id, createdAt }
  if (told.status === 'failed') {
    const message = excerpt(told.error.message, 1000) || NO_REASON
    return { ...job, status: told.status, completedAt: told.completed_at, message }
  }
  if (told.status !== 'success') return { ...job, status: told.status }
  const { result_url: resultUrl, cover_url: coverUrl, duration_seconds } = told.data
  const durationMs = Math.round(duration_seconds * 1000)
  const result = { resultUrl, coverUrl, durationMs, animation: null, animatedShare: null }
  return { ...job, status: told.status, completedAt: told.completed_at, result }
}

/** The three strings that name a job to JoggAI. The look-up compares them, so a submit sends the very same. */
const named = ({ videoUrl, audioUrl, playbackType }: Inputs) => ({
  video_url: videoUrl,
  audio_url: audioUrl,
  playback_type: playbackType,
})

/** The paid call. Answers JoggAI's id of the job. */
export const submitCall = (inputs: Inputs): Call<string> => ({
  name: 'submit',
  method: 'POST',
  path: '/v2/create_lip_sync_video',
  body: JSON.stringify(named(inputs)),
  read(answer) {
    return open(this.name, SUBMIT_KINDS, Submitted, answer).task_id
  },
})

export const statusCall = (taskId: string): Call<UpstreamJob> => ({
  name: 'status call',
  method: 'GET',
  path: `/v2/lip_sync_video/${encodeURIComponent(taskId)}`,
  read(answer) {
    const told = open(this.name, READ_KINDS, Status, answer)
    if (told.task_id !== taskId) throw new UpstreamError('unclear', `${this.name} answered about another job`)
    return sightingOf(told, answer)
  },
})

/** The look-up by inputs: the latest job made from them, or null when JoggAI has none. */
export const findCall = (inputs: Inputs): Call<UpstreamJob | null> => ({
  name: 'look-up',
  method: 'GET',
  path: `/v2/lip_sync_video?${new URLSearchParams(named(inputs))}`,
  read(answer) {
    try {
      return sightingOf(open(this.name, READ_KINDS, Status, answer), answer)
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      if (error.kind === 'not-found') return null
      // JoggAI's reference pages don't promise this call; a missing path tells nothing about the job.
      if (error.kind === 'unclear' && [404, 405, 501].includes(answer.http))
        throw new UpstreamError('unclear', `look-up is not offered by the upstream (HTTP ${answer.http})`)
      throw error
    }
  },
})
