import type { ServerResponse } from 'node:http'
import { errorResponse } from '../rest/envelope.js'
import { type ErrorDescription, headersOf } from './describe-error.js'

/** Sends a JSON body that must not be cached. */
export function sendJson(res: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  res.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
  res.end(JSON.stringify(body))
}

/** Sends an error as plain JSON: `{ error: { code, message, … } }`. */
export function sendError(res: ServerResponse, description: ErrorDescription): void {
  const { code, message, status, details } = description
  setHeaders(res, headersOf(description))
  sendJson(res, status, { error: { code, message, ...details } })
}

/** Sends an error as GraphQL over HTTP does, in the media type that the client prefers. */
export function sendGraphQLError(res: ServerResponse, description: ErrorDescription, accept: string | undefined): void {
  const { code, message, status, details } = description
  const type = accept?.includes(GRAPHQL_RESPONSE) ? GRAPHQL_RESPONSE : 'application/json'
  setHeaders(res, headersOf(description))
  sendJson(res, status, { errors: [{ message, extensions: { ...details, code } }] }, type)
}

/** Sends an error in JoggAI's envelope. `mayBeStored`: the request may have had its effect before it failed. */
export function sendJoggError(
  res: ServerResponse,
  description: ErrorDescription,
  options?: { readonly mayBeStored: boolean },
): void {
  const { status, headers, body } = errorResponse(description, options)
  setHeaders(res, { ...headersOf(description), ...headers })
  sendJson(res, status, body)
}

const GRAPHQL_RESPONSE = 'application/graphql-response+json'

function setHeaders(res: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
}
