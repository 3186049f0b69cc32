import { z } from 'zod'
import { failure, success } from './envelope.js'
import type { Operation, RestMethod } from './operation.js'

/** The events of a lip sync, named by JoggAI's rule. */
const EVENTS = ['generated_lip_sync_video_success', 'generated_lip_sync_video_failed'] as const

const events: Operation = {
  id: 'listWebhookEvents',
  method: 'GET',
  path: '/events',
  v1Path: '/events',
  summary: 'Returns the names of the events of a lip sync.',
  data: z.strictObject({ events: z.array(z.enum(EVENTS)) }),
  outcomes: [],
  respond: () => success({ events: [...EVENTS] }),
}

export const webhookOperations = [
  events,
  notAvailable('listWebhookEndpoints', 'GET', '/endpoints'),
  notAvailable('createWebhookEndpoint', 'POST', '/endpoint'),
  notAvailable('updateWebhookEndpoint', 'PUT', '/endpoint/:endpoint_id'),
  notAvailable('deleteWebhookEndpoint', 'DELETE', '/endpoint/:endpoint_id'),
]

/** An operation on webhook endpoints. An endpoint that could be registered would never be called. */
function notAvailable(id: string, method: RestMethod, path: string): Operation {
  return {
    id,
    method,
    path,
    v1Path: path,
    summary: 'Not available: this gateway does not deliver webhooks. Responds with code 501.',
    outcomes: ['NOT_AVAILABLE'],
    respond: () => failure('NOT_AVAILABLE', 'webhooks are not delivered; poll, wait or subscribe instead'),
  }
}
