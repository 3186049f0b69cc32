import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth'
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens'
import { GraphQLError, type ValidationContext } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { ErrorCode } from '../errors.js'

/** How large a request may be. The console and every page of the API fit in many times over. */
export const MAX_BODY_BYTES = 100_000
const MAX_TOKENS = 2_000
const MAX_DEPTH = 12
/** What the answer costs is bounded in the schema (`graphql/builder.ts`), which knows how long its lists are. */
const MAX_ALIASES = 15

const failure = (code: ErrorCode, message: string, status: number) =>
  new GraphQLError(message, { extensions: { code, http: { status } } })

const tooComplex = ({ message }: GraphQLError) =>
  failure('QUERY_TOO_COMPLEX', message.replace('Syntax Error: ', ''), 400)

/** Reported like any other mistake in the operation, so that the verdict is remembered with the document. */
const reported = {
  propagateOnRejection: false,
  onReject: [(context: ValidationContext | null, error: GraphQLError) => context?.reportError(tooComplex(error))],
}

/** The parser has to stop there and then. */
const thrown = {
  onReject: [
    (_: unknown, error: GraphQLError) => {
      throw tooComplex(error)
    },
  ],
}

/**
 * Any web page may send a form or a text to any server, as the user and without asking. JSON it may send only with the
 * server's leave (CORS), so nothing else is taken.
 */
const onlyJson: Plugin = {
  onRequestParse({ request, requestParser, setRequestParser }) {
    if (request.method === 'POST' && !/^application\/json(;|$)/.test(request.headers.get('content-type') ?? ''))
      throw failure('BAD_REQUEST', 'Send the operation as application/json.', 415)
    if (!requestParser) return
    setRequestParser(async request => {
      try {
        return await requestParser(request)
      } catch (error) {
        throw error instanceof SyntaxError ? failure('BAD_REQUEST', 'The variables are not JSON.', 400) : error
      }
    })
  },
}

/** What is not even looked at. */
export const requestLimits: Plugin[] = [
  onlyJson,
  maxTokensPlugin({ n: MAX_TOKENS, ...thrown }),
  maxDepthPlugin({ n: MAX_DEPTH, ...reported }),
  maxAliasesPlugin({ n: MAX_ALIASES, ...reported }),
]
