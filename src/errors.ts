/**
 * Every error that a client can receive. GraphQL sends the code as `extensions.code`; plain HTTP routes use the status
 * as well. The list is closed: an error without a code leaves as `INTERNAL_SERVER_ERROR`, without its message.
 */
export const ERROR_CODES = {
  BAD_USER_INPUT: { status: 400, message: 'An input value is invalid; the message names the field.' },
  NOT_FOUND: { status: 404, message: 'There is nothing with this id or at this path.' },
  INVALID_STATE: { status: 409, message: "The task's stage does not allow this; `stage` is the current one." },
  IDEMPOTENCY_MISMATCH: {
    status: 409,
    message: 'The idempotency key was used with different input; `field` is the first difference.',
  },
  UNAUTHENTICATED: {
    status: 401,
    message: 'The request has no credential, or one that is invalid, expired or revoked.',
  },
  FORBIDDEN: { status: 403, message: "The caller's credential does not allow this." },
  RATE_LIMITED: { status: 429, message: 'Too many requests; retry after `retryAfter` seconds.' },
  BUDGET_EXCEEDED: {
    status: 402,
    message: "The task would exceed the caller's monthly credits; `creditsLeft` is what is left.",
  },
  LIMIT_EXCEEDED: { status: 429, message: 'The caller has reached a concurrency limit; `limit` names it.' },
  CURSOR_UNKNOWN: {
    status: 409,
    message:
      'The cursor belongs to another history of this gateway: its database was restored from a backup. ' +
      'Read the tasks anew and follow from there.',
  },
  BAD_REQUEST: { status: 400, message: 'The request is malformed; the message says what is wrong.' },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'The path does not support this method; the header `Allow` lists those it does.',
  },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, message: 'The body must be sent as application/json.' },
  REQUEST_ENTITY_TOO_LARGE: { status: 413, message: 'The request body exceeds the limit.' },
  GRAPHQL_PARSE_FAILED: { status: 400, message: 'The operation is not valid GraphQL.' },
  GRAPHQL_VALIDATION_FAILED: { status: 400, message: 'The operation does not match the schema.' },
  OPERATION_RESOLUTION_FAILURE: {
    status: 400,
    message: 'The document has no operation with this name, or several and no name was given.',
  },
  QUERY_TOO_COMPLEX: {
    status: 400,
    message: 'The operation is too long, too deep or too expensive, or has too many aliases.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    message: 'The database cannot be used right now; nothing was changed. Retry after `retryAfter` seconds.',
  },
  SHUTTING_DOWN: { status: 503, message: 'The gateway is shutting down; connect again.' },
  INTERNAL_SERVER_ERROR: { status: 500, message: 'An unexpected error; the log has it under the same `id`.' },
} as const satisfies Record<string, { readonly status: number; readonly message: string }>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error whose message is meant for the client. Thrown where the cause is known, rendered where it leaves. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** What the client may act on, sent beside the code: for example `{ field: 'videoUrl' }`. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string = ERROR_CODES[code].message,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.code = code
    this.details = details
  }
}

export function badInput(field: string, message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message, { field })
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}

/** Returns what was thrown as an Error: JavaScript lets anything be thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
