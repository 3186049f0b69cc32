import { randomUUID } from 'node:crypto'
import { GraphQLError, Kind } from 'graphql'
import type { Logger } from 'pino'
import { ERROR_CODES, type ErrorCode, GatewayError } from '../errors.js'

/**
 * An error as a caller may see it: with a code of the closed table, or else only with the id under which it is logged.
 * What is public already stays as it is.
 */
export const publicError = (thrown: unknown, log: Logger): GraphQLError => {
  const located = thrown instanceof GraphQLError ? thrown : null
  const cause = located ? causeOf(located) : thrown
  if (cause instanceof GatewayError) return coded(located, cause.message, cause.code, cause.details)
  if (located && cause instanceof GraphQLError) {
    // Where a code is set, it came with a status, and from Yoga's own parsers with their inner errors.
    const { code, originalError: _, ...details } = located.extensions
    if (isErrorCode(code)) return coded(located, located.message, code, details)
    const found = codeOf(located)
    if (found) return coded(located, located.message, found, {})
  }
  const id = randomUUID()
  log.error({ errorId: id, err: cause }, 'unforeseen error')
  return coded(located, 'Internal server error.', 'INTERNAL_SERVER_ERROR', { id })
}

/** `extensions.http` is Yoga's: the status, unless a caller who accepts plain JSON gets 200. No caller canSee it. */
const coded = (located: GraphQLError | null, message: string, code: ErrorCode, details: object): GraphQLError => {
  const { nodes, source, positions, path } = located ?? {}
  const http = httpOf(code, details) ?? (path ? null : { spec: true, status: 400 })
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...(http && { http }), ...details, code },
  })
}

interface HttpExtension {
  spec?: boolean
  status: number
  headers?: Record<string, string>
}

/** The status of what says more than that the operation is wrong. A failing part of an answer leaves its status alone. */
const httpOf = (code: ErrorCode, { retryAfter }: { retryAfter?: unknown }): HttpExtension | null => {
  switch (code) {
    case 'UNAUTHENTICATED':
      return { status: 401, headers: { 'www-authenticate': 'Bearer' } }
    case 'FORBIDDEN':
      return { status: 403 }
    case 'RATE_LIMITED':
      return { status: 429, headers: { 'retry-after': String(retryAfter) } }
    case 'QUERY_TOO_COMPLEX':
      return { status: 400 }
    case 'INTERNAL_SERVER_ERROR':
      return { spec: true, status: 500 }
    default:
      return null
  }
}

const causeOf = (error: GraphQLError): unknown =>
  error.originalError instanceof GraphQLError ? causeOf(error.originalError) : (error.originalError ?? error)

/**
 * The code of an error of GraphQL's own that has none. It is known by what it points at: the text, when it does not
 * parse; a variable or an argument, when its value does not fit. At a field, it is the gateway that is wrong.
 */
const codeOf = ({ nodes, positions }: GraphQLError): ErrorCode | null => {
  if (!nodes?.[0]) return positions ? 'GRAPHQL_PARSE_FAILED' : null
  return nodes[0].kind === Kind.FIELD ? null : 'BAD_USER_INPUT'
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
