import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import RelayPlugin from '@pothos/plugin-relay'
import { GraphQLError, GraphQLScalarType } from 'graphql'
import { DateTimeResolver } from 'graphql-scalars'
import { GatewayError } from '../errors.js'
import type { GraphQLContext } from './context.js'

export interface SchemaTypes {
  Context: GraphQLContext
  DefaultFieldNullability: false
  DefaultEdgesNullability: false
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    /** Read from text; written from milliseconds since the Unix epoch. */
    DateTime: { Input: Date; Output: number }
    URL: { Input: string; Output: string }
  }
}

/** In points: one for each field, multiplied by the length of each list around it. The largest page with all fields fits. */
export const MAX_COMPLEXITY = 15_000

/** The contexts of operations whose complexity is known to be within the limit, so that it is not computed again. */
export const withinLimit = new WeakSet<object>()

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  complexity: {
    limit: context => (withinLimit.has(context) ? {} : { complexity: MAX_COMPLEXITY }),
    complexityError: (_, { complexity }) =>
      new GatewayError(
        'QUERY_TOO_COMPLEX',
        `The operation costs ${complexity} points; the limit is ${MAX_COMPLEXITY}.`,
      ),
  },
  relay: {
    clientMutationId: 'omit',
    mutationInputArgOptions: { description: 'The input.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    pageInfoTypeOptions: { description: 'The position of a page in the whole list.' },
    hasNextPageFieldOptions: { description: 'Whether there are older tasks after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are newer tasks before this page.' },
    startCursorFieldOptions: { description: 'The page cursor of the first edge, for `before`.' },
    endCursorFieldOptions: { description: 'The page cursor of the last edge, for `after`.' },
    edgesFieldOptions: {
      description: 'The tasks of this page, newest first, each with its page cursor.',
      nullable: false,
      complexity: { multiplier: 1 },
    },
    nodeFieldOptions: { description: 'The task.', nullable: false },
    cursorFieldOptions: { description: 'The page cursor: the position of this edge in the list.' },
    pageInfoFieldOptions: { description: 'The position of this page in the whole list.' },
    firstArgOptions: {
      description: 'The number of tasks to take from the newest on: 0 to 100; 20 when neither is given.',
    },
    afterArgOptions: { description: 'Only tasks older than the one with this page cursor.' },
    lastArgOptions: { description: 'The number of tasks to take from the oldest on: 0 to 100.' },
    beforeArgOptions: { description: 'Only tasks newer than the one with this page cursor.' },
  },
})

/** The times of the gateway are numbers, so they are neither parsed nor validated again on their way out. */
builder.addScalarType(
  'DateTime',
  new GraphQLScalarType<Date, string>({
    ...DateTimeResolver.toConfig(),
    serialize: at => new Date(Number(at)).toISOString(),
  }),
)

/** URLs are not normalised, because a signed link breaks when it is rewritten. The task service validates them. */
builder.addScalarType(
  'URL',
  new GraphQLScalarType<string, string>({
    name: 'URL',
    description: 'An absolute URL, http or https.',
    specifiedByURL: 'https://url.spec.whatwg.org/',
    parseValue(value) {
      if (typeof value !== 'string') throw new GraphQLError('a URL must be a string')
      return value
    },
  }),
)
