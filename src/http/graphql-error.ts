import { GraphQLError, Kind } from 'graphql'
import type { Logger } from 'pino'
import { type ErrorCode, isErrorCode } from '../errors.js'
import { describe, describeError, type ErrorDescription, headersOf } from './describe-error.js'

/**
 * An error as GraphQL shows it: the description's code and details as `extensions`, at the place in the operation where
 * it happened.
 */
export function toGraphQLError(thrown: unknown, log: Logger): GraphQLError {
  const located = thrown instanceof GraphQLError ? thrown : null
  const cause = located ? causeOf(located) : thrown
  const described = located && cause instanceof GraphQLError ? describeOwn(located) : null
  return render(described ?? describeError(cause, log), located)
}

/** Removes `extensions.http`, which is for Yoga and not for clients, and the suggestions of names where they are hidden. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions
  return copy(error, error.message, extensions)
}

/** Removes graphql-js's "Did you mean", which reveals the schema step by step. */
export function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean .*\?$/s, '')
  return message === error.message ? error : copy(error, message, error.extensions)
}

/** Codes that decide the status of the response even where only a part of the operation failed. */
const DECIDES_STATUS: ReadonlySet<ErrorCode> = new Set([
  ...(['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', 'QUERY_TOO_COMPLEX'] as const),
  ...(['STORE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'] as const),
])
/** Mistakes in the operation itself: a client that accepts only plain JSON gets them with 200, as the protocol says. */
const WELL_FORMED_RESPONSE: ReadonlySet<ErrorCode> = new Set([
  ...(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'OPERATION_RESOLUTION_FAILURE'] as const),
  ...(['BAD_USER_INPUT', 'INTERNAL_SERVER_ERROR'] as const),
])

/** Yoga reads the status and the headers from `extensions.http`, which is removed before an error is sent. */
function render(description: ErrorDescription, located: GraphQLError | null): GraphQLError {
  const { code, message, status, details } = description
  const decides = !located?.path || DECIDES_STATUS.has(code)
  // Yoga sets a code, a status and headers of its own where it rejects a method.
  const ofYoga = isErrorCode(located?.extensions.code) ? located?.extensions.http : undefined
  const http = { ...(WELL_FORMED_RESPONSE.has(code) && { spec: true }), status, headers: headersOf(description) }
  return copy(located, message, { ...(decides && { http: ofYoga ?? http }), ...details, code })
}

function copy(
  located: GraphQLError | null,
  message: string,
  extensions: Readonly<Record<string, unknown>>,
): GraphQLError {
  const { nodes, source, positions, path } = located ?? {}
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { ...extensions } })
}

function causeOf(error: GraphQLError): unknown {
  if (error.originalError instanceof GraphQLError) return causeOf(error.originalError)
  return error.originalError ?? error
}

/** An error of graphql-js, Yoga or a plugin: it has a code, or is known by its place. Null when it is neither. */
function describeOwn(error: GraphQLError): ErrorDescription | null {
  // Yoga's parsers add the original error and a status of their own.
  const { code, originalError: _, http: __, ...details } = error.extensions
  if (isErrorCode(code)) return describe(code, error.message, details)
  const byPlace = codeByPlace(error)
  return byPlace && describe(byPlace, error.message)
}

/**
 * The code of an error of graphql-js that has none, derived from its location: the text of a document that does not parse,
 * or a variable or an argument whose value does not fit. An error at a field is the gateway's own.
 */
function codeByPlace({ nodes, positions }: GraphQLError): ErrorCode | null {
  if (!nodes?.[0]) return positions ? 'GRAPHQL_PARSE_FAILED' : null
  return nodes[0].kind === Kind.FIELD ? null : 'BAD_USER_INPUT'
}
