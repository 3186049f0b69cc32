import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, execute, GraphQLError, getOperationAST, NoSchemaIntrospectionCustomRule } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Session } from '../auth/session.js'
import type { SessionExpiry } from '../auth/session-expiry.js'
import { GatewayError } from '../errors.js'
import { type GraphQLContext, schema } from '../graphql/index.js'
import { createDocumentCaches } from './document-cache.js'
import { toGraphQLError, withoutHttp, withoutSuggestion } from './graphql-error.js'
import type { QueryBudget } from './query-budget.js'
import { requestLimits } from './request-limits.js'
import { createSharedSubscribe } from './shared-subscribe.js'

/** An operation, and the `execute` and `subscribe` to run it with. */
export type Operation = ExecutionArgs & {
  execute: typeof import('graphql').execute
  subscribe: typeof import('graphql').subscribe
}

export interface GraphQLParts {
  /** Builds the GraphQL context of a session. */
  contextOf(session: Session): GraphQLContext
  sessions: SessionExpiry
  budget: QueryBudget
  /** Whether introspection and suggestions of names are on. */
  explorer: boolean
  log: Logger
}

/** The one GraphQL engine behind HTTP, event streams and WebSockets. */
export interface GraphQLServer {
  /** Serves a request of an identified caller. `body` is the parsed JSON of a POST. */
  handle(req: IncomingMessage, res: ServerResponse, session: Session, body: unknown): Promise<void>
  /** Parses and validates an operation of a WebSocket. Throws, or returns the errors in it. */
  prepare(
    params: SubscribePayload,
    req: IncomingMessage,
    session: Session,
  ): Promise<Operation | readonly GraphQLError[]>
  /** An error as clients see it, with `extensions.http` for the HTTP server. */
  publicError(thrown: unknown): GraphQLError
}

interface ServerContext {
  req: IncomingMessage
  session: Session
  /** Absent for an operation of a WebSocket. */
  res?: ServerResponse
}

export function createGraphQLServer(parts: GraphQLParts): GraphQLServer {
  const { contextOf, sessions, budget, explorer, log } = parts

  function publicError(thrown: unknown): GraphQLError {
    const error = toGraphQLError(thrown, log)
    return explorer ? error : withoutSuggestion(error)
  }

  const yoga = createYoga<ServerContext, GraphQLContext>({
    schema,
    context: ({ session }) => contextOf(session),
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
      shareDeliveries(publicError),
      dataDecidesStatus,
      ...(explorer ? [] : [hideSchema]),
    ],
  })

  /** Cuts a response that outlives its session, as an event stream can. */
  function watchResponse(res: ServerResponse, session: Session): void {
    const stopWatching = sessions.add(session, () => res.destroy())
    res.once('close', stopWatching)
  }
  return {
    publicError,
    async handle(req, res, session, body) {
      if (res.closed) return
      watchResponse(res, session)
      if (req.method === 'POST') Object.assign(req, { body: operationIn(body) })
      await yoga(req, res, { req, res, session })
    },
    async prepare(params, req, session) {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        req,
        params,
        session,
      })
      const document = parse(params.query)
      const errors: readonly GraphQLError[] = validate(schema, document)
      if (errors.length > 0) return errors
      const { operationName, variables: variableValues } = params
      if (!getOperationAST(document, operationName)) throw unknownOperation()
      const contextValue = await contextFactory()
      return { schema, document, operationName, variableValues, contextValue, execute, subscribe }
    },
  }
}

function operationIn(body: unknown): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length > 0) return body
  throw new GatewayError('BAD_REQUEST', 'The body must be a JSON object with `query`; batches are not supported.')
}

/** The variables of a GET request are JSON inside the query string. */
const jsonVariables: Plugin = {
  onRequestParse({ requestParser, setRequestParser }) {
    if (!requestParser) return
    setRequestParser(async request => {
      try {
        return await requestParser(request)
      } catch (thrown) {
        if (thrown instanceof SyntaxError) throw new GatewayError('BAD_REQUEST', 'The variables are not valid JSON.')
        throw thrown
      }
    })
  },
}

/** Charges each operation to its caller, whichever transport brought it. */
function chargeOperations(
  budget: QueryBudget,
  publicError: (thrown: unknown) => GraphQLError,
): Plugin<ServerContext, ServerContext> {
  function enter(args: ExecutionArgs): (() => void) | GraphQLError {
    const { caller } = args.contextValue as GraphQLContext
    try {
      return budget.enter(caller.id, args)
    } catch (thrown) {
      return publicError(thrown)
    }
  }
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const leave = enter(args)
      if (leave instanceof GraphQLError) return setResultAndStopExecution({ errors: [leave] })
      return { onExecuteDone: leave }
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const leave = enter(args)
      if (leave instanceof GraphQLError) return setResultAndStopExecution({ errors: [leave] })
      return { onSubscribeResult: leave, onSubscribeError: leave }
    },
  }
}

/** Executes each event of a subscription once for all that get the same result. */
function shareDeliveries(publicError: (thrown: unknown) => GraphQLError): Plugin {
  const subscribe = createSharedSubscribe(execute, publicError)
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(subscribe)
    },
  }
}

/** A response with data is a success, whatever one of its fields failed with. */
const dataDecidesStatus: Plugin = {
  onExecutionResult({ result, setResult }) {
    if (!result || Array.isArray(result) || !('data' in result) || !result.errors) return
    const hasData = Object.values(result.data ?? {}).some(value => value !== null)
    if (hasData) setResult({ ...result, errors: result.errors.map(withoutHttp) })
  },
}

/** Hides the schema from callers that do not know it, in introspection and in error messages. */
const hideSchema: Plugin = {
  onValidate({ addValidationRule }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    return ({ result, setResult }) => setResult([...result].map(withoutSuggestion))
  },
}

function unknownOperation(): GraphQLError {
  return new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })
}
