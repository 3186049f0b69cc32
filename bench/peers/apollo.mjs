/** Apollo Server on Express, with graphql-ws and graphql-subscriptions, as its documentation sets it up. */
import { createServer } from 'node:http'
import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { makeExecutableSchema } from '@graphql-tools/schema'
import express from 'express'
import { PubSub } from 'graphql-subscriptions'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { listening } from './listening.mjs'
import { createResolvers, typeDefs } from './schema.mjs'
import { openStore } from './store.mjs'

const store = openStore()
const pubsub = new PubSub()
const publish = (id, event) => pubsub.publish(id, { taskUpdated: event })
const resolvers = {
  ...createResolvers(store, publish),
  Subscription: { taskUpdated: { subscribe: (_, { id }) => pubsub.asyncIterableIterator(id) } },
}
const schema = makeExecutableSchema({ typeDefs, resolvers })
const app = express()
const server = createServer(app)
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }))
const apollo = new ApolloServer({ schema })
await apollo.start()
app.use('/graphql', express.json(), expressMiddleware(apollo))
server.listen(0, '127.0.0.1', () => listening(server.address().port))
