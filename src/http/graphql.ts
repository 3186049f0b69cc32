import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { createYoga } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Session } from '../auth/session.js'
import type { SessionExpiry } from '../auth/session-expiry.js'
import { GatewayError } from '../errors.js'
import { type GraphQLContext, schema } from '../graphql/index.js'
import { createDocumentCaches } from './document-cache.js'
import { toGraphQLError, withoutSuggestion } from './graphql-error.js'
import { createPreparation, type PreparedOperation } from './operations/preparation.js'
import { type OrdinaryRequest, ordinaryRequest } from './ordinary-request.js'
import type { QueryBudget } from './query-budget.js'
import { requestLimits } from './request-limits.js'
import { createSharedSubscribe, type ResultStream } from './shared-subscribe.js'
import {
  chargeOperations,
  dataDecidesStatus,
  hideSchema,
  jsonVariables,
  type ServerContext,
  subscribeBy,
} from './yoga-plugins.js'

/** An operation, and the `execute` and `subscribe` to run it with. */
export type Operation = ExecutionArgs & {
  execute(): Promise<ExecutionResult>
  subscribe(): Promise<ResultStream | ExecutionResult>
}

export interface GraphQLParts {
  /** Builds the GraphQL context of a session. `leaving` returns a signal that aborts when the client leaves. */
  contextOf(session: Session, leaving?: () => AbortSignal): GraphQLContext
  sessions: SessionExpiry
  budget: QueryBudget
  /** Whether introspection and suggestions of names are on. */
  explorer: boolean
  log: Logger
  /** Reads the requests that are executed in front of Yoga. @default ordinaryRequest */
  readOrdinary?: typeof ordinaryRequest
}

/** The one GraphQL engine behind HTTP, event streams and WebSockets. */
export interface GraphQLServer {
  /** Serves a request of an identified caller. `body` is the parsed JSON of a POST. */
  handle(req: IncomingMessage, res: ServerResponse, session: Session, body: unknown): Promise<void>
  /** Prepares an operation of a WebSocket. Throws, or returns the errors in it. */
  prepare(params: SubscribePayload, session: Session): Promise<Operation | readonly GraphQLError[]>
  /** An error as clients see it, with `extensions.http` for the HTTP server. */
  publicError(thrown: unknown): GraphQLError
}

/**
 * Yoga owns the schema, its plugins and all that GraphQL over HTTP allows. In front of it, an ordinary request whose
 * operation has a result without errors gets its response without Yoga, which costs several times what the operation
 * does. All other requests go through Yoga, so every error is rendered there.
 */
export function createGraphQLServer(parts: GraphQLParts): GraphQLServer {
  const { contextOf, sessions, budget, explorer, log, readOrdinary = ordinaryRequest } = parts

  function publicError(thrown: unknown): GraphQLError {
    const error = toGraphQLError(thrown, log)
    return explorer ? error : withoutSuggestion(error)
  }

  const subscribe = createSharedSubscribe(publicError)
  const yoga = createYoga<ServerContext, GraphQLContext>({
    schema,
    context: ({ session, res }) => contextOf(session, res && leavingOf(res)),
    // The edge has routed the request, whatever path the gateway is mounted at.
    graphqlEndpoint: '*',
    logging: {
      debug: (...args) => log.trace({ args }, 'graphql'),
      info: (...args) => log.debug({ args }, 'graphql'),
      warn: (...args) => log.warn({ args }, 'graphql'),
      // Unexpected errors are logged where they are masked.
      error: () => {},
    },
    maskedErrors: { maskError: publicError },
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    landingPage: false,
    graphiql: false,
    parserAndValidationCache: createDocumentCaches(),
    plugins: [
      ...requestLimits,
      jsonVariables,
      chargeOperations(budget, publicError),
      subscribeBy(subscribe),
      dataDecidesStatus,
      ...(explorer ? [] : [hideSchema]),
    ],
  })
  const { parse, validate } = yoga.getEnveloped({})
  const preparation = createPreparation({ schema, parse, validate })

  /** Cuts a response that outlives its session, as an event stream can and an operation that waits. */
  function watchResponse(res: ServerResponse, session: Session): void {
    const stopWatching = sessions.add(session, () => res.destroy())
    res.once('close', stopWatching)
  }

  async function leaveToYoga(req: IncomingMessage, res: ServerResponse, context: ServerContext): Promise<void> {
    if (res.closed) return
    watchResponse(res, context.session)
    await yoga(req, res, context)
  }

  /** Returns null for a mistake in the operation, and for a subscription. */
  function findExecutable({ query, operationName }: OrdinaryRequest): PreparedOperation | null {
    try {
      const operation = preparation.prepare(query, operationName)
      if (!operation || !('execute' in operation)) return null
      return operation.node.operation === OperationTypeNode.SUBSCRIPTION ? null : operation
    } catch {
      return null
    }
  }

  /** Charges an operation to its caller and executes it. Throws what the budget throws. */
  async function execute(
    operation: PreparedOperation,
    variableValues: OrdinaryRequest['variables'],
    session: Session,
    leaving?: () => AbortSignal,
  ): Promise<ExecutionResult> {
    const contextValue = contextOf(session, leaving)
    const execution = { contextValue, variableValues }
    const leave = budget.enter(contextValue.caller.id, { schema, document: operation.document, ...execution })
    try {
      return await operation.execute(execution)
    } finally {
      leave()
    }
  }

  async function executeMasked(...operation: Parameters<typeof execute>): Promise<ExecutionResult> {
    const result = await execute(...operation).catch((thrown): ExecutionResult => ({ errors: [thrown] }))
    return result.errors ? { ...result, errors: result.errors.map(publicError) } : result
  }

  /** Charges a subscription to its caller and starts it. */
  async function subscribeMasked(
    operation: PreparedOperation,
    args: ExecutionArgs & { contextValue: GraphQLContext },
  ): Promise<ResultStream | ExecutionResult> {
    try {
      const leave = budget.enter(args.contextValue.caller.id, args)
      return await subscribe(args, event => operation.execute({ ...args, rootValue: event })).finally(leave)
    } catch (thrown) {
      return { errors: [publicError(thrown)] }
    }
  }

  /** Returns undefined when the operation was not executed. */
  async function executeOrdinary(
    request: OrdinaryRequest,
    session: Session,
    res: ServerResponse,
  ): Promise<ExecutionResult | undefined> {
    const operation = findExecutable(request)
    if (!operation) return undefined
    const leaving = leavingOf(res)
    const waits = () => {
      watchResponse(res, session)
      return leaving()
    }
    return execute(operation, request.variables, session, waits).catch(ignoreRefusal)
  }

  return {
    publicError,
    async handle(req, res, session, body) {
      if (res.closed) return
      if (req.method !== 'POST') return leaveToYoga(req, res, { session, res })
      const params = operationIn(body)
      const request = readOrdinary(req.headers, params)
      const executed = request ? await executeOrdinary(request, session, res) : undefined
      if (request && executed && !executed.errors) return sendResult(res, request.type, executed)
      Object.assign(req, { body: params })
      await leaveToYoga(req, res, { session, res, executed })
    },
    async prepare({ query, operationName, variables: variableValues }, session) {
      const operation = preparation.prepare(query, operationName)
      if (!operation) throw unknownOperation()
      if (!('execute' in operation)) return operation
      const args = { schema, document: operation.document, variableValues, contextValue: contextOf(session) }
      return {
        ...args,
        execute: () => executeMasked(operation, variableValues, session),
        subscribe: () => subscribeMasked(operation, args),
      }
    },
  }
}

/** Made when it is asked for, because few operations wait. */
function leavingOf(res: ServerResponse): () => AbortSignal {
  return () => {
    const left = new AbortController()
    if (res.closed) left.abort()
    else res.once('close', () => left.abort())
    return left.signal
  }
}

/** The budget did not admit it; Yoga asks it again and renders the refusal. */
function ignoreRefusal(thrown: unknown): undefined {
  if (!(thrown instanceof GatewayError)) throw thrown
}

function operationIn(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length > 0) return body
  throw new GatewayError('BAD_REQUEST', 'The body must be a JSON object with `query`; batches are not supported.')
}

function sendResult(res: ServerResponse, type: OrdinaryRequest['type'], result: ExecutionResult): void {
  const body = JSON.stringify(result)
  res.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) })
  res.end(body)
}

function unknownOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })
}
