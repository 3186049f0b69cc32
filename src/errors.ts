/**
 * Every error a caller can meet, as `extensions.code` in GraphQL. The table is closed: what has no place in it leaves as
 * `INTERNAL_SERVER_ERROR`, without its message.
 */
export const ERROR_CODES = {
  BAD_USER_INPUT: 'The request is wrong; the message names the field.',
  NOT_FOUND: 'There is no task with this id.',
  CURSOR_UNKNOWN:
    'The cursor is of another history: the database was restored or replaced. List the tasks again and follow from there.',
  INVALID_STATE: 'The task is not in a stage that allows this; `stage` says in which it is.',
  IDEMPOTENCY_MISMATCH: 'The idempotency key stands for a task with other input; `field` names the first difference.',
  UNAUTHENTICATED: 'Who calls is not known: no credential was sent, or one that is wrong, expired or revoked.',
  FORBIDDEN: 'The caller is known, but its credential does not allow this.',
  RATE_LIMITED: 'Too much in too short a time; `retryAfter` says in how many seconds to try again.',
  BUDGET_EXCEEDED: "The task would exceed the caller's credits of this month; `creditsLeft` says how many are left.",
  LIMIT_EXCEEDED: 'As many as the caller may have at a time are there; `limit` names of what.',
  BAD_REQUEST: 'This is no GraphQL request; the message says why not.',
  REQUEST_ENTITY_TOO_LARGE: 'The request is larger than 100 KB.',
  GRAPHQL_PARSE_FAILED: 'The operation is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The operation does not fit the schema.',
  OPERATION_RESOLUTION_FAILURE: 'The document has no operation of that name, or several and no name to choose by.',
  QUERY_TOO_COMPLEX: 'The operation is too long, too deep or has too many aliases.',
  INTERNAL_SERVER_ERROR: 'Something unforeseen; the log has it under the same `id`.',
} as const satisfies Record<string, string>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error whose message is meant for the caller. Thrown where the cause is known, translated where it leaves. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** What else the caller may act on, beside `code` in `extensions`: for example `{ field: 'videoUrl' }`. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

export const badInput = (field: string, message: string) => new GatewayError('BAD_USER_INPUT', message, { field })

/** What was thrown, as an Error: JavaScript lets anything be thrown. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))
