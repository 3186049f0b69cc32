import { lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.js'
import './task-queries.js'
import './viewer.js'
import './gateway.js'
import './task-mutations.js'
import './batch.js'
import './upload.js'
import './watch-token.js'
import './subscription.js'

export { MAX_COMPLEXITY, withinLimit } from './builder.js'
export { createGraphQLContext, type GraphQLContext } from './context.js'

builder.queryType({ description: 'Reads. A field that fails is null and does not affect the others.' })
builder.mutationType({
  description: 'Changes. Each returns the mistakes of the caller as data, all of them at once, each with its path.',
})
builder.subscriptionType({ description: 'Events as they happen. Every event can be read again from its cursor.' })

/** The schema that the gateway serves. */
export const schema = builder.toSchema()

/** Returns the schema as text: the content of `schema.graphql`. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
