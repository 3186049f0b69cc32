import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import RelayPlugin from '@pothos/plugin-relay'
import { GraphQLError, GraphQLScalarType } from 'graphql'
import { DateTimeResolver } from 'graphql-scalars'
import { GatewayError } from '../errors.js'
import type { Caller, TaskRestriction } from '../tasks/caller.js'
import type { GatewayStatus } from '../tasks/driver/gateway-status.js'
import type { TaskService } from '../tasks/service/task-service.js'

export interface GraphQLContext {
  /** Who calls. */
  caller: Caller
  /** The caller's own view of the tasks. */
  tasks: TaskService
  status(): Promise<GatewayStatus>
  mintWatchToken(only: TaskRestriction, ttlSeconds: number): Promise<{ token: string; expiresAt: number }>
}

export interface SchemaTypes {
  Context: GraphQLContext
  DefaultFieldNullability: false
  DefaultEdgesNullability: false
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    URL: { Input: string; Output: string }
  }
}

/** In points: one for a field, times the length of each list that it stands in. The largest page, with all of it, fits. */
const MAX_COMPLEXITY = 15_000

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  complexity: {
    limit: { complexity: MAX_COMPLEXITY },
    complexityError: (_, { complexity }) =>
      new GatewayError(
        'QUERY_TOO_COMPLEX',
        `The answer would cost ${complexity} points, and ${MAX_COMPLEXITY} are the most.`,
      ),
  },
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    pageInfoTypeOptions: { description: 'Where a page stands in the whole list.' },
    hasNextPageFieldOptions: { description: 'Whether there are older tasks than those of this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are newer tasks than those of this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first edge: give it back as `before`.' },
    endCursorFieldOptions: { description: 'The cursor of the last edge: give it back as `after`.' },
    edgesFieldOptions: {
      description: 'The tasks of this page, newest first, each with its cursor.',
      nullable: false,
      complexity: { multiplier: 1 },
    },
    nodeFieldOptions: { description: 'The task.', nullable: false },
    cursorFieldOptions: { description: 'Where this edge stands in the list.' },
    pageInfoFieldOptions: { description: 'Where this page stands in the whole list.' },
    firstArgOptions: { description: 'How many tasks from the new end: 0 to 100, 20 when neither is given.' },
    afterArgOptions: { description: 'Only tasks older than the one with this cursor.' },
    lastArgOptions: { description: 'How many tasks from the old end: 0 to 100.' },
    beforeArgOptions: { description: 'Only tasks newer than the one with this cursor.' },
  },
})

builder.addScalarType('DateTime', DateTimeResolver)

/** A URL stays the text it was: signed links do not survive rewriting. What may be one is checked in `tasks/input.ts`. */
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
