import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth'
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens'
import { GraphQLError, type ValidationContext } from 'graphql'
import type { Plugin } from 'graphql-yoga'

const MAX_TOKENS = 2_000
const MAX_DEPTH = 12
/** The cost of the response is bounded in the schema (`graphql/builder.ts`), which knows the length of its lists. */
const MAX_ALIASES = 15

/** Limits enforced before an operation is executed. */
export const requestLimits: Plugin[] = [
  maxTokensPlugin({ n: MAX_TOKENS, onReject: [throwTooComplex] }),
  maxDepthPlugin({ n: MAX_DEPTH, propagateOnRejection: false, onReject: [reportTooComplex] }),
  maxAliasesPlugin({ n: MAX_ALIASES, propagateOnRejection: false, onReject: [reportTooComplex] }),
]

/** Stops the parser at once. */
function throwTooComplex(_: unknown, error: GraphQLError): never {
  throw tooComplex(error)
}

/** Reported like any other mistake in the operation, so that the result is cached with the document. */
function reportTooComplex(context: ValidationContext | null, error: GraphQLError): void {
  context?.reportError(tooComplex(error))
}

function tooComplex({ message }: GraphQLError): GraphQLError {
  return new GraphQLError(message.replace('Syntax Error: ', ''), { extensions: { code: 'QUERY_TOO_COMPLEX' } })
}
