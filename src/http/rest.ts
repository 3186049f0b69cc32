import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Session } from '../auth/session.js'
import { GatewayError } from '../errors.js'
import { failure, type RestResponse } from '../rest/envelope.js'
import { openApiDocument } from '../rest/openapi.js'
import type { Operation } from '../rest/operation.js'
import { OPERATIONS, pathsOf, V1_PREFIX, V2_PREFIXES } from '../rest/operations.js'
import type { Caller } from '../tasks/caller.js'
import type { TaskService } from '../tasks/service/task-service.js'
import { StoreError } from '../tasks/store-error.js'
import { describeError } from './describe-error.js'
import { type CallerRoute, type PublicRoute, pathOf, type Route, type RouteRequest } from './router.js'
import { sendJoggError, sendJson } from './send-json.js'

export interface RestParts {
  readonly tasksOf: (caller: Caller) => TaskService
  /** Returns the absolute URL of a path of the gateway. */
  readonly linkTo: (path: string) => string
  readonly log: Logger
}

const MAX_BODY_BYTES = 100_000

/**
 * JoggAI's REST API. Its clients join paths by hand and follow no redirect, so each path is served however many slashes
 * it has. Mounted in another server, the gateway takes just the paths of its operations; alone, it also responds to the
 * other paths below the prefixes, in the same format.
 */
export function restRoutes(parts: RestParts): Route[] {
  const rest = { kind: 'data', errors: 'jogg', lenientSlashes: true } as const
  const operations = OPERATIONS.flatMap(operation =>
    pathsOf(operation).map(
      (path): CallerRoute => ({
        ...rest,
        methods: [operation.method],
        path,
        access: 'caller',
        ignoresForeignKeys: true,
        maxBodyBytes: operation.maxBodyBytes ?? MAX_BODY_BYTES,
        handle: request => handle(operation, parts, request),
      }),
    ),
  )
  const others = [...V2_PREFIXES, V1_PREFIX]
    .flatMap(prefix => [prefix, `${prefix}/*`])
    .map(
      (path): PublicRoute => ({
        ...rest,
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
        path,
        access: 'public',
        onlyStandalone: true,
        handle: ({ req, res }) => {
          if (!req.complete) res.setHeader('connection', 'close')
          send(res, failure('NOT_SERVED', `${req.method} ${pathOf(req).slice(0, 200)}`))
        },
      }),
    )
  const description: PublicRoute = {
    methods: ['GET', 'HEAD'],
    path: '/openapi.json',
    kind: 'data',
    errors: 'json',
    access: 'public',
    onlyStandalone: true,
    handle: ({ res }) => sendJson(res, 200, openApiDocument(parts.linkTo)),
  }
  return [...operations, ...others, description]
}

type CallerRequest = RouteRequest & { readonly session: Session; readonly body: unknown }

async function handle(operation: Operation, { tasksOf, log }: RestParts, request: CallerRequest): Promise<void> {
  const { req, res, params, body, session } = request
  const left = new AbortController()
  res.once('close', () => left.abort())
  try {
    const response = await operation.respond({
      caller: session.caller,
      tasks: tasksOf(session.caller),
      params,
      query: queryOf(req),
      header: name => headerOf(req, name),
      body,
      signal: left.signal,
    })
    send(res, response)
  } catch (thrown) {
    if (!operation.stores || isRefusal(thrown)) throw thrown
    sendJoggError(res, describeError(thrown, log), { mayBeStored: true })
  }
}

/** Whether an error proves that the request had no effect. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof GatewayError || (thrown instanceof StoreError && thrown.kind === 'busy')
}

function send(res: ServerResponse, { status, headers, body }: RestResponse): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  sendJson(res, status, body)
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name]
  return (Array.isArray(value) ? value.join(', ') : value) ?? null
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1))
}
