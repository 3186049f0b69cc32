import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionArgs, GraphQLError, getOperationAST, NoSchemaIntrospectionCustomRule } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Session } from '../auth/session.js'
import { type GraphQLContext, schema } from '../graphql/index.js'
import { credentialOf, type Login, type SessionExpiry } from './login.js'
import { publicError } from './public-error.js'
import { MAX_BODY_BYTES, requestLimits } from './request-limits.js'

/** What to execute, and by whose `execute` and `subscribe`. */
export type Operation = ExecutionArgs & {
  execute: typeof import('graphql').execute
  subscribe: typeof import('graphql').subscribe
}

export interface GraphQLParts {
  /** What a caller works with. */
  contextOf(session: Session): GraphQLContext
  login: Login
  sessions: SessionExpiry
  /** Whether there is a console, and introspection for it. */
  explorer: boolean
  log: Logger
}

/** The one GraphQL engine behind HTTP, SSE and WebSocket. */
export const createGraphQLServer = ({ contextOf, login, sessions, explorer, log }: GraphQLParts) => {
  const logins = new WeakMap<Request, Session>()

  /** Before anything of the request is read: who nobody knows learns nothing of the schema. */
  const loginFirst: Plugin<ServerContext, ServerContext> = {
    async onRequestParse({ request, serverContext: { req, res } }) {
      const session = await login(req, credentialOf(req.headers))
      logins.set(request, session)
      if (!res || res.closed) return
      const leave = sessions.add(session, () => res.destroy())
      res.once('close', leave)
    },
  }

  const yoga = createYoga<ServerContext, GraphQLContext>({
    schema,
    context: ({ request, session }) => contextOf(session ?? logins.get(request)!),
    logging: {
      debug: (...args) => log.trace({ args }, 'graphql'),
      info: (...args) => log.debug({ args }, 'graphql'),
      warn: (...args) => log.warn({ args }, 'graphql'),
      // What is unforeseen is logged where it is masked.
      error: () => {},
    },
    maskedErrors: { maskError: thrown => publicError(thrown, log) },
    maxRequestBodySize: MAX_BODY_BYTES,
    multipart: false,
    cors: false,
    landingPage: false,
    graphiql: explorer && {
      subscriptionsProtocol: 'SSE',
      shouldPersistHeaders: false,
      title: 'lipsync-gateway',
      defaultQuery: EXAMPLE,
    },
    // Nine megabytes that are loaded when somebody looks at the console, and not before.
    renderGraphiQL: async options => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    plugins: [loginFirst, ...requestLimits, ...(explorer ? [] : [noIntrospection])],
  })

  return {
    handle: yoga,
    /** Parses and validates an operation that came over a WebSocket. Throws, or answers, what is wrong with it. */
    async prepare(
      params: SubscribePayload,
      req: IncomingMessage,
      session: Session,
    ): Promise<Operation | readonly GraphQLError[]> {
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

export type GraphQLServer = ReturnType<typeof createGraphQLServer>

interface ServerContext {
  req: IncomingMessage
  /** Not there for an operation that came over a WebSocket, … */
  res?: ServerResponse
  /** … whose login was the socket's. */
  session?: Session
}

const noIntrospection: Plugin = {
  onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule),
}

const unknownOperation = () =>
  new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  })

const EXAMPLE = `# Follow all tasks in one tab …
subscription Follow {
  tasksUpdated {
    stage
    progress
    task {
      id
      result { resultUrl coverUrl durationSeconds credits }
      failure { code message }
    }
  }
}

# … and create one in another.
mutation Create($videoUrl: URL!, $audioUrl: URL!) {
  createLipSync(input: { videoUrl: $videoUrl, audioUrl: $audioUrl }) {
    task { id stage }
    errors { code message path }
  }
}
`
