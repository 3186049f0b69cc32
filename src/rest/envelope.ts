import { ERROR_CODES, type ErrorCode } from '../errors.js'
import { PARAMETER_NAMES } from './parameters.js'

/** The body of every response. */
export interface Envelope {
  readonly code: number
  readonly msg: string
  readonly data: object | null
  /** The id of the log line of an unexpected error. */
  readonly rid?: string
  /** Seconds, with code 429. */
  readonly retryAfter?: number
}

export interface RestResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Envelope
}

/**
 * Every outcome, with its code in the body and its HTTP status. The codes and their texts are JoggAI's; 404, 405 and 501
 * are the gateway's own, for what JoggAI has and the gateway has not.
 *
 * Clients of JoggAI differ in what they read: some only the code, some first the status. A status of 5xx makes some of
 * them repeat the request, so it is sent only when nothing was stored; a status of 4xx hides the message from others.
 */
export const OUTCOMES = {
  SUCCESS: { code: 0, status: 200, msg: 'Success' },
  RATE_LIMITED: { code: 429, status: 429, msg: 'Rate limit exceeded. Please try again later.' },
  /** To JoggAI's own client it means that a create pays for nothing that is already there. */
  NOT_FOUND: { code: 10104, status: 200, msg: 'Record not found' },
  INVALID_KEY: { code: 10105, status: 401, msg: 'Invalid API key' },
  INSUFFICIENT_CREDIT: { code: 18020, status: 200, msg: 'Insufficient credit' },
  NO_PERMISSION: { code: 18025, status: 200, msg: 'No permission to call APIs' },
  PARAMETER_ERROR: { code: 40000, status: 200, msg: 'Parameter error' },
  SYSTEM_ERROR: { code: 50000, status: 500, msg: 'System error' },
  /** A create that failed after the task may have been stored. */
  UNCERTAIN: {
    code: 50000,
    status: 200,
    msg: 'System error: whether the task was stored is not known. Look it up before creating it again.',
  },
  NOT_SERVED: { code: 404, status: 404, msg: 'This gateway does not serve this route' },
  METHOD_NOT_SERVED: { code: 405, status: 405, msg: 'This route does not support this method' },
  NOT_AVAILABLE: { code: 501, status: 200, msg: 'Not available on this gateway' },
} as const satisfies Record<string, { readonly code: number; readonly status: number; readonly msg: string }>

export type Outcome = keyof typeof OUTCOMES

const OUTCOME_OF = {
  BAD_USER_INPUT: 'PARAMETER_ERROR',
  NOT_FOUND: 'NOT_FOUND',
  INVALID_STATE: 'PARAMETER_ERROR',
  IDEMPOTENCY_MISMATCH: 'PARAMETER_ERROR',
  UNAUTHENTICATED: 'INVALID_KEY',
  FORBIDDEN: 'NO_PERMISSION',
  RATE_LIMITED: 'RATE_LIMITED',
  BUDGET_EXCEEDED: 'INSUFFICIENT_CREDIT',
  LIMIT_EXCEEDED: 'RATE_LIMITED',
  CURSOR_UNKNOWN: 'PARAMETER_ERROR',
  BAD_REQUEST: 'PARAMETER_ERROR',
  METHOD_NOT_ALLOWED: 'METHOD_NOT_SERVED',
  UNSUPPORTED_MEDIA_TYPE: 'PARAMETER_ERROR',
  REQUEST_ENTITY_TOO_LARGE: 'PARAMETER_ERROR',
  GRAPHQL_PARSE_FAILED: 'PARAMETER_ERROR',
  GRAPHQL_VALIDATION_FAILED: 'PARAMETER_ERROR',
  OPERATION_RESOLUTION_FAILURE: 'PARAMETER_ERROR',
  QUERY_TOO_COMPLEX: 'PARAMETER_ERROR',
  STORE_UNAVAILABLE: 'SYSTEM_ERROR',
  SHUTTING_DOWN: 'SYSTEM_ERROR',
  INTERNAL_SERVER_ERROR: 'SYSTEM_ERROR',
} as const satisfies Record<ErrorCode, Outcome>

/** An error as the edge describes it. */
export interface DescribedError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  readonly id: string | null
}

export function success(data: object, headers: RestResponse['headers'] = {}): RestResponse {
  const { code, status, msg } = OUTCOMES.SUCCESS
  return { status, headers, body: { code, msg, data } }
}

/** @param detail is added to the text of the outcome */
export function failure(outcome: Exclude<Outcome, 'SUCCESS'>, detail?: string): RestResponse {
  const { code, status, msg } = OUTCOMES[outcome]
  return { status, headers: {}, body: { code, msg: detail ? `${msg}: ${detail}` : msg, data: null } }
}

/** @param mayBeStored whether the request may have had its effect before it failed */
export function errorResponse(error: DescribedError, { mayBeStored = false } = {}): RestResponse {
  const outcome = OUTCOME_OF[error.code]
  const response = failure(mayBeStored && outcome === 'SYSTEM_ERROR' ? 'UNCERTAIN' : outcome, detailOf(outcome, error))
  const { retryAfter, createsPerMinute } = error.details
  const rid = error.id === null ? {} : { rid: error.id }
  if (outcome !== 'RATE_LIMITED') return { ...response, body: { ...rid, ...response.body } }
  return {
    status: response.status,
    headers: {
      ...(typeof createsPerMinute === 'number' && { 'x-ratelimit-limit': String(createsPerMinute) }),
      'x-ratelimit-remaining': '0',
    },
    body: { ...response.body, ...(typeof retryAfter === 'number' && { retryAfter }) },
  }
}

/** What the text of the outcome does not say. Clients compare the texts of a wrong key and of a missing record. */
function detailOf(outcome: Outcome, { code, message }: DescribedError): string | undefined {
  if (outcome === 'INVALID_KEY' || outcome === 'NOT_FOUND' || outcome === 'SYSTEM_ERROR') return undefined
  const text = message === ERROR_CODES[code].message ? undefined : message
  return text?.replace(
    /\b(?:videoUrl|audioUrl|playbackType|idempotencyKey|contentType|sizeBytes)\b/g,
    name => PARAMETER_NAMES[name] ?? name,
  )
}
