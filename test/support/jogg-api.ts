import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { type Inputs, PLAYBACK_TYPES } from '../../src/tasks/task.js'
import type { JoggJob, JoggJobs } from './jogg-jobs.js'
import type { Call, JoggAnswer } from './jogg-plays.js'

/** A request that arrived, whole. */
export interface JoggRequest {
  readonly call: Call
  /** When it arrived, by the double's `now`. */
  readonly at: number
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** What a submit or a look-up asked for, as it was sent. */
  readonly inputs: Partial<Inputs>
  /** The file of an asset call or of its bytes. */
  readonly file?: { readonly filename: string; readonly file_size: number }
  /** The job a status call asks about. */
  readonly taskId: string | undefined
}

/** Reads a request as JoggAI's API documents it; undefined when the API has no such call. */
export async function understand(req: IncomingMessage, at: number): Promise<JoggRequest | undefined> {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://jogg')
  const base = { at, path: req.url ?? '/', headers: req.headers, inputs: {}, taskId: undefined }
  if (req.method === 'POST' && pathname === '/v2/create_lip_sync_video')
    return { ...base, call: 'submit', inputs: fields(JSON.parse(await text(req))) }
  if (req.method === 'GET' && pathname === '/v2/lip_sync_video')
    return { ...base, call: 'find', inputs: fields(Object.fromEntries(searchParams)) }
  if (req.method === 'POST' && pathname === '/v2/upload/asset')
    return { ...base, call: 'asset', file: JSON.parse(await text(req)) }
  if (req.method === 'PUT' && pathname.startsWith('/storage/'))
    return { ...base, call: 'put', file: { filename: pathname, file_size: (await buffer(req)).length } }
  const [, taskId] = /^\/v2\/lip_sync_video\/([^/]+)$/.exec(pathname) ?? []
  if (req.method === 'GET' && taskId) return { ...base, call: 'status', taskId: decodeURIComponent(taskId) }
  return undefined
}

/** Returns what an honest JoggAI answers. A submit is accepted, and paid, here: under `newId` when it is given. */
export function answerHonestly(
  { call, headers, inputs, taskId, file }: JoggRequest,
  jobs: JoggJobs,
  apiKey: string,
  newId?: string,
): JoggAnswer {
  if (call === 'put') return { body: '' }
  if (headers['x-api-key'] !== apiKey) return refusal(10105, 'Invalid API key')
  if (call === 'status') return answerAbout(jobs.look(taskId ?? ''))
  if (call === 'asset') {
    const name = `${randomUUID()}-${file?.filename}`
    const data = {
      sign_url: `http://${headers.host}/storage/${name}?signature=s`,
      asset_url: `https://res.jogg.example/${name}`,
    }
    return { body: { code: 0, msg: 'Success', data } }
  }
  if (!isComplete(inputs)) return refusal(40000, 'Parameter error: video_url, audio_url or playback_type')
  if (call === 'find') return answerAbout(jobs.find(inputs))
  const { taskId: task_id, status } = jobs.accept(inputs, newId)
  return { body: { code: 0, msg: 'Success', data: { task_id, status } } }
}

function refusal(code: number, msg: string): JoggAnswer {
  return { body: { code, msg, data: null } }
}

function seconds(ms: number | null) {
  return ms && Math.floor(ms / 1000)
}

function answerAbout(job: JoggJob | undefined): JoggAnswer {
  if (!job) return refusal(10104, 'Record not found')
  const { taskId: task_id, status, output, message } = job
  const data = output && {
    result_url: output.resultUrl,
    cover_url: output.coverUrl,
    duration_seconds: output.seconds,
  }
  const times = { created_at: seconds(job.createdAt), completed_at: seconds(job.completedAt) }
  const error = message === null ? null : { message }
  return { body: { code: 0, msg: 'Success', data: { task_id, status, ...times, data, error } } }
}

function isComplete(inputs: Partial<Inputs>): inputs is Inputs {
  return !!inputs.videoUrl && !!inputs.audioUrl && PLAYBACK_TYPES.some(type => type === inputs.playbackType)
}

function fields(sent: Record<string, string>): Partial<Inputs> {
  return {
    videoUrl: sent.video_url,
    audioUrl: sent.audio_url,
    playbackType: (sent.playback_type ?? 'normal') as Inputs['playbackType'],
  }
}
