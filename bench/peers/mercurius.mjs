/** Mercurius on Fastify with its JIT, which compiles an operation at its second use, and its own subscriptions. */
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { listening } from './listening.mjs'
import { createResolvers, typeDefs } from './schema.mjs'
import { openStore } from './store.mjs'

const store = openStore()
const app = Fastify()
const publish = (id, event, { pubsub }) => pubsub.publish({ topic: id, payload: { taskUpdated: event } })
const resolvers = {
  ...createResolvers(store, publish),
  Subscription: { taskUpdated: { subscribe: (_, { id }, { pubsub }) => pubsub.subscribe(id) } },
}
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1, subscription: true })
await app.listen({ port: 0, host: '127.0.0.1' })
listening(app.server.address().port)
