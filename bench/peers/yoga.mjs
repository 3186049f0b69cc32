/** GraphQL Yoga as it comes, with its own publish-subscribe, and graphql-ws as its documentation sets it up. */
import { createServer } from 'node:http'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { listening } from './listening.mjs'
import { createResolvers, typeDefs } from './schema.mjs'
import { openStore } from './store.mjs'

const store = openStore()
const pubsub = createPubSub()
const publish = (id, event) => pubsub.publish(id, { taskUpdated: event })
const resolvers = {
  ...createResolvers(store, publish),
  Subscription: { taskUpdated: { subscribe: (_, { id }) => pubsub.subscribe(id) } },
}
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }) })
const server = createServer(yoga)
const options = {
  execute: args => args.rootValue.execute(args),
  subscribe: args => args.rootValue.subscribe(args),
  async onSubscribe({ extra }, _id, { operationName, query, variables }) {
    const context = { req: extra.request, socket: extra.socket, params: { operationName, query, variables } }
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped(context)
    const document = parse(query)
    const errors = validate(schema, document)
    if (errors.length > 0) return errors
    const contextValue = await contextFactory()
    const variableValues = variables
    return { schema, operationName, document, variableValues, contextValue, rootValue: { execute, subscribe } }
  },
}
useServer(options, new WebSocketServer({ server, path: yoga.graphqlEndpoint }))
server.listen(0, '127.0.0.1', () => listening(server.address().port))
