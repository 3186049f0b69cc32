import type { z } from 'zod'
import type { Caller } from '../tasks/caller.js'
import type { TaskService } from '../tasks/service/task-service.js'
import type { Outcome, RestResponse } from './envelope.js'

/** A request of an identified caller. */
export interface RestRequest {
  readonly caller: Caller
  readonly tasks: TaskService
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
  /** Returns a header by its name in lower case; null without it. */
  header(name: string): string | null
  /** The parsed JSON of a POST. */
  readonly body: unknown
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
}

export type RestMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** One operation of JoggAI's API: what the router serves and the OpenAPI document describes. */
export interface Operation {
  readonly id: string
  readonly method: RestMethod
  /** Below `/v2` and `/open/v2`; parameters as in `/lip_sync_video/:task_id`. */
  readonly path: string
  /** The path of the same operation below `/v1`; absent where JoggAI's v1 has none. */
  readonly v1Path?: string
  readonly summary: string
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  readonly body?: z.ZodObject
  /** The `data` of a success. */
  readonly data?: z.ZodType
  /** The outcomes besides success and those of every request. */
  readonly outcomes: readonly Outcome[]
  /** The largest body. @default 100_000 */
  readonly maxBodyBytes?: number
  /** Whether a failure can come after the request had its effect. */
  readonly stores?: true
  respond(request: RestRequest): Promise<RestResponse> | RestResponse
}
