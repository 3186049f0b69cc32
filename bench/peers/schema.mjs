/** The part of the gateway's schema that is measured; the same operations are valid in both. */
export const typeDefs = `
  type Task {
    id: ID! stage: String! status: String! videoUrl: String! audioUrl: String! playbackType: String! reference: String
    createdAt: String! submittedAt: String completedAt: String cursor: String!
  }
  type TaskEvent { cursor: String! stage: String! status: String! task: Task! }
  type TaskEdge { node: Task! }
  type TaskConnection { edges: [TaskEdge!]! }
  input CreateLipSyncInput { videoUrl: String! audioUrl: String! reference: String }
  type CreateLipSyncPayload { task: Task }
  type Query {
    lipSyncTask(id: ID!): Task
    lipSyncTasks(first: Int): TaskConnection
  }
  type Mutation {
    createLipSync(input: CreateLipSyncInput!): CreateLipSyncPayload
    advance(id: ID!): Boolean
  }
  type Subscription { taskUpdated(id: ID!): TaskEvent! }
`

export const createResolvers = (store, publish) => ({
  Query: {
    lipSyncTask: (_, { id }) => store.get(id),
    lipSyncTasks: (_, { first }) => ({ edges: store.list(first).map(node => ({ node })) }),
  },
  Mutation: {
    createLipSync: (_, { input }) => ({ task: store.create(input) }),
    async advance(_, { id }, context) {
      await publish(id, store.advance(id), context)
      return true
    },
  },
})
