import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { ERROR_CODES, type ErrorCode, GatewayError } from '../errors.js'
import { StoreError, type StoreErrorKind } from '../tasks/store-error.js'

/** An error as a client may see it. Each protocol renders it in its own form. */
export interface ErrorDescription {
  readonly code: ErrorCode
  readonly message: string
  /** The HTTP status of a request that fails with this error alone. */
  readonly status: number
  readonly details: Readonly<Record<string, unknown>>
  /** The id of the log line of an unexpected error; null for all others. */
  readonly id: string | null
}

/** Seconds after which a request that met a store in this state is worth repeating; null: it is not. */
const STORE_RETRY_AFTER = { busy: 1, unreachable: 1, full: 60, failed: null } as const satisfies Record<
  StoreErrorKind,
  number | null
>

/** Describes a thrown value. An unexpected error is logged here, and its description has only the id of its log line. */
export function describeError(thrown: unknown, log: Logger): ErrorDescription {
  if (thrown instanceof GatewayError) return describe(thrown.code, thrown.message, thrown.details)
  const retryAfter = thrown instanceof StoreError ? STORE_RETRY_AFTER[thrown.kind] : null
  if (retryAfter !== null) {
    log.error({ err: thrown }, 'the store is unavailable')
    return describe('STORE_UNAVAILABLE', ERROR_CODES.STORE_UNAVAILABLE.message, { retryAfter })
  }
  const id = randomUUID()
  log.error({ errorId: id, err: thrown }, 'unexpected error')
  return { ...describe('INTERNAL_SERVER_ERROR', 'Internal server error.', { id }), id }
}

export function describe(
  code: ErrorCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): ErrorDescription {
  return { code, message, status: ERROR_CODES[code].status, details, id: null }
}

/** The response headers that an error implies: how to authenticate, when to retry. */
export function headersOf({ code, details: { retryAfter } }: ErrorDescription): Record<string, string> {
  return {
    ...(code === 'UNAUTHENTICATED' && { 'www-authenticate': 'Bearer' }),
    ...(typeof retryAfter === 'number' && { 'retry-after': String(retryAfter) }),
  }
}
