import { lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.js'
import './query.js'
import './status.js'
import './usage.js'
import './mutation.js'
import './watch-token.js'
import './subscription.js'

export type { GraphQLContext } from './builder.js'

/** The schema that the gateway serves. */
export const schema = builder.toSchema()

/** The schema as text: what `schema.graphql` holds. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`
