import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth'
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { type ExecutionArgs, GraphQLError } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { createYoga } from 'graphql-yoga'
import type { Logger } from 'pino'
import { GatewayError } from '../errors.js'
import { type GraphQLContext, schema } from '../graphql/index.js'

/** How large a request may be. The console and every page of the API fit in many times over. */
const MAX_BODY_BYTES = 100_000
const MAX_DEPTH = 12
const MAX_ALIASES = 30
const MAX_TOKENS = 2_000

/** The one GraphQL engine behind HTTP, SSE and WebSocket. */
export const createGraphQLServer = (context: GraphQLContext, log: Logger) => {
  const yoga = createYoga<{ req: IncomingMessage }, GraphQLContext>({
    schema,
    context,
    logging: {
      debug: (...args) => log.trace({ args }, 'graphql'),
      info: (...args) => log.debug({ args }, 'graphql'),
      warn: (...args) => log.warn({ args }, 'graphql'),
      // What is unforeseen is logged where it is masked, below.
      error: () => {},
    },
    maskedErrors: { maskError: thrown => publicError(thrown, log) },
    maxRequestBodySize: MAX_BODY_BYTES,
    multipart: false,
    cors: false,
    landingPage: false,
    graphiql: { subscriptionsProtocol: 'WS', title: 'lipsync-gateway', defaultQuery: EXAMPLE },
    renderGraphiQL,
    plugins: [
      maxDepthPlugin({ n: MAX_DEPTH }),
      maxAliasesPlugin({ n: MAX_ALIASES }),
      maxTokensPlugin({ n: MAX_TOKENS }),
    ],
  })

  return {
    handle: yoga,
    /** Parses and validates an operation that came over a WebSocket: what to execute, or what is wrong with it. */
    async prepare(params: SubscribePayload, req: IncomingMessage): Promise<ExecutionArgs | readonly GraphQLError[]> {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ req, params })
      try {
        const document = parse(params.query)
        const errors: readonly GraphQLError[] = validate(schema, document)
        if (errors.length > 0) return errors.map(error => publicError(error, log))
        const { operationName, variables: variableValues } = params
        const contextValue = await contextFactory()
        return { schema, document, operationName, variableValues, contextValue, execute, subscribe } as ExecutionArgs
      } catch (thrown) {
        return [publicError(thrown, log)]
      }
    },
  }
}

export type GraphQLServer = ReturnType<typeof createGraphQLServer>

/** An error as a caller may see it: ours with their code, GraphQL's own as they are, anything else only as an id. */
const publicError = (thrown: unknown, log: Logger): GraphQLError => {
  const outer = thrown instanceof GraphQLError ? thrown : undefined
  const cause = outer ? innermost(outer) : thrown
  const where = { nodes: outer?.nodes, path: outer?.path }
  if (cause instanceof GatewayError)
    return new GraphQLError(cause.message, { ...where, extensions: { code: cause.code, ...cause.details } })
  if (cause instanceof GraphQLError) return cause
  const id = randomUUID()
  log.error({ errorId: id, err: cause }, 'unforeseen error')
  return new GraphQLError('Internal server error.', { ...where, extensions: { code: 'INTERNAL_SERVER_ERROR', id } })
}

const innermost = (error: GraphQLError): unknown => {
  if (!error.originalError) return error
  return error.originalError instanceof GraphQLError ? innermost(error.originalError) : error.originalError
}

const EXAMPLE = `# Watch all tasks in one tab …
subscription Watch {
  taskUpdated {
    id
    stage
    result { resultUrl coverUrl durationSeconds credits }
    error { code message }
  }
}

# … and make one in another.
mutation Create($videoUrl: URL!, $audioUrl: URL!) {
  createLipSync(input: { videoUrl: $videoUrl, audioUrl: $audioUrl }) {
    id
    stage
  }
}
`
