import { z } from 'zod'
import { badInput, GatewayError } from '../errors.js'
import { parse } from '../tasks/service/create-input.js'
import { LONGEST_WAIT_SECONDS } from '../tasks/service/task-waiting.js'
import type { Task } from '../tasks/task.js'
import { failure, type RestResponse, success } from './envelope.js'
import type { Operation, RestRequest } from './operation.js'
import { inputParameters, platformOf, waitSecondsOf } from './parameters.js'
import { createdBody, createdBodySchema, taskBody, taskBodySchema } from './task-body.js'

const createBody = z.object({
  ...inputParameters,
  webhook_url: z
    .literal('', 'is not supported: this gateway does not deliver webhooks')
    .nullish()
    .meta({ description: 'Reserved. This gateway does not deliver webhooks and refuses a URL here.' }),
})

const lookUpQuery = z.object(inputParameters)

const prefer = z
  .string()
  .optional()
  .meta({ description: '`wait=N`: responds once the task is final, or as it is after N seconds, at most 60.' })
const waitHeaders = z.object({ Prefer: prefer })
const createHeaders = z.object({
  Prefer: prefer,
  'Idempotency-Key': z
    .string()
    .optional()
    .meta({ description: 'With the same key and inputs, a repeated create returns the same task.' }),
  'x-api-platform': z.string().optional().meta({ description: 'The program that creates the task; kept with it.' }),
})

const create: Operation = {
  id: 'createLipSyncVideo',
  method: 'POST',
  path: '/create_lip_sync_video',
  summary: 'Creates a lip sync. Once this responds with code 0, the task is stored and will be driven to its end.',
  headers: createHeaders,
  body: createBody,
  data: z.union([createdBodySchema, taskBodySchema]),
  outcomes: ['PARAMETER_ERROR', 'INSUFFICIENT_CREDIT', 'UNCERTAIN'],
  stores: true,
  async respond(request) {
    const { tasks, signal, header } = request
    const { video_url, audio_url, playback_type } = parse(createBody, objectOf(request.body))
    const input = {
      videoUrl: video_url,
      audioUrl: audio_url,
      playbackType: playback_type || 'normal',
      idempotencyKey: header('idempotency-key'),
    }
    const platform = platformOf(header('x-api-platform'))
    const waitSeconds = waitOf(request)
    if (waitSeconds === 0) return success(createdBody(await tasks.create(input, { platform })))
    return preferably(
      waitSeconds,
      () => tasks.create(input, { platform, waitSeconds, signal }),
      () => tasks.create(input, { platform }),
    )
  },
}

const status: Operation = {
  id: 'getLipSyncVideo',
  method: 'GET',
  path: '/lip_sync_video/:task_id',
  summary: 'Returns a task. Served from the store: the upstream is not asked.',
  headers: waitHeaders,
  data: taskBodySchema,
  outcomes: ['NOT_FOUND'],
  respond: async request => taskResponse(request, await request.tasks.get(request.params.task_id ?? '')),
}

const lookUp: Operation = {
  id: 'findLipSyncVideo',
  method: 'GET',
  path: '/lip_sync_video',
  summary:
    "Returns the caller's latest task with exactly these inputs. Code 10104 means that there certainly is none, so that a create pays for nothing twice.",
  query: lookUpQuery,
  headers: waitHeaders,
  data: taskBodySchema,
  outcomes: ['NOT_FOUND', 'PARAMETER_ERROR'],
  async respond(request) {
    const { video_url, audio_url, playback_type } = parse(lookUpQuery, Object.fromEntries(request.query))
    const inputs = { videoUrl: video_url, audioUrl: audio_url, playbackType: playback_type || ('normal' as const) }
    return taskResponse(request, await request.tasks.findByInputs(inputs))
  },
}

export const lipSyncOperations = [create, lookUp, status]

async function taskResponse(request: RestRequest, task: Task | null): Promise<RestResponse> {
  if (!task) return failure('NOT_FOUND')
  const seconds = waitOf(request)
  if (seconds === 0) return success(taskBody(task))
  return preferably(
    seconds,
    async () => (await request.tasks.wait(task.id, { seconds, signal: request.signal })) ?? task,
    async () => task,
  )
}

/** Waits, unless the caller's limit of subscriptions is reached: a preference never makes a request fail. */
async function preferably(
  seconds: number,
  waiting: () => Promise<Task>,
  atOnce: () => Promise<Task>,
): Promise<RestResponse> {
  try {
    return success(taskBody(await waiting()), { 'preference-applied': `wait=${seconds}` })
  } catch (thrown) {
    // It is thrown before anything is stored.
    if (!(thrown instanceof GatewayError) || thrown.details.limit !== 'subscriptions') throw thrown
    return success(taskBody(await atOnce()))
  }
}

function waitOf({ header }: RestRequest): number {
  return waitSecondsOf(header('prefer'), LONGEST_WAIT_SECONDS)
}

function objectOf(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw badInput('body', 'the body must be a JSON object')
}
