import fc from 'fast-check'
import { pino } from 'pino'
import { Pool } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../src/auth/session.js'
import { createSessionExpiry } from '../../src/auth/session-expiry.js'
import { GatewayError } from '../../src/errors.js'
import { createGraphQLContext } from '../../src/graphql/index.js'
import { createEdge } from '../../src/http/edge.js'
import { createGraphQLServer } from '../../src/http/graphql.js'
import type { ordinaryRequest } from '../../src/http/ordinary-request.js'
import { createOrigins } from '../../src/http/origins.js'
import { createQueryBudget } from '../../src/http/query-budget.js'
import { createRouter } from '../../src/http/router.js'
import { createRoutes } from '../../src/http/routes.js'
import { startServer } from '../../src/http/server.js'
import { OPEN_CALLER } from '../../src/tasks/caller.js'
import { StoreError } from '../../src/tasks/store-error.js'
import { startTestGateway, VIDEO } from '../support/gateway.js'
import { createManualClock } from '../support/manual-clock.js'
import { anyRequest, type GeneratedRequest } from '../support/operations.js'

/** `SAME_ANSWERS=10000` compares more. */
const RUNS = Number(process.env.SAME_ANSWERS ?? 100)
const SEED = Number(process.env.SAME_ANSWERS_SEED ?? 11)

let gw: Awaited<ReturnType<typeof startTestGateway>>
let known: string
const budgetClock = createManualClock()

/** Each unexpected error has a log line of its own. */
const ERROR_ID = /"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"/g

beforeAll(async () => {
  gw = await startTestGateway()
  for (const reference of ['r', '漢字', null]) known = (await gw.createLipSync({ reference, videoUrl: VIDEO })).id
})
afterAll(() => gw[Symbol.asyncDispose]())

test.each([true, false])(
  'a request has the same response in front of Yoga and through it (explorer: %s)',
  async explorer => {
    const read = { ordinary: 0, all: 0, succeeded: 0 }
    await using lean = await startFront({ explorer })
    await using through = await startFront({ explorer, readOrdinary: () => null })
    await fc.assert(
      fc.asyncProperty(anyRequest, async request => {
        await budgetClock.advance(1_000)
        const expected = await through.post(request)
        read.all++
        if (expected.status === 200) read.ordinary++
        if (expected.body.startsWith('{"data":')) read.succeeded++
        // Compiled at the second use.
        for (let use = 0; use < 3; use++) expect(await lean.post(request)).toEqual(expected)
      }),
      { numRuns: RUNS, seed: SEED },
    )
    if (process.env.SAME_ANSWERS) console.log(read)
    expect(read.succeeded).toBeGreaterThan(RUNS / 10)
    expect(read.all - read.ordinary).toBeGreaterThan(RUNS / 10)
  },
  1_200_000,
)

/** The protocols in front of the gateway's own tasks, of which some reads fail. */
async function startFront(options: { readOrdinary?: typeof ordinaryRequest; explorer: boolean }) {
  const log = pino({ level: 'silent' })
  const session: Session = { kind: 'anonymous', caller: OPEN_CALLER }
  const authenticator = {
    authenticate: async () => session,
    isRevoked: async () => false,
    isForeign: async () => false,
  }
  const sessions = createSessionExpiry(authenticator, gw.clock, () => {})
  const tasks = {
    ...gw.gateway.tasks,
    usage: () => Promise.reject(new Error('the disk is on fire')),
    remaining: () => Promise.reject(new StoreError('busy', 'locked')),
    cancel: () => Promise.reject(new GatewayError('FORBIDDEN', 'Not this one.')),
    estimate: (seconds: number) => {
      if (seconds < 0) throw new GatewayError('BAD_USER_INPUT', 'negative')
      return { durationMs: seconds * 1_000, credits: seconds / 8 }
    },
  }
  const graphql = createGraphQLServer({
    ...options,
    contextOf: ({ caller }) =>
      createGraphQLContext({
        ...{ caller, tasks },
        status: () => Promise.reject(new Error('no status')),
        mintWatchToken: () => Promise.reject(new Error('no token')),
      }),
    sessions,
    budget: createQueryBudget(budgetClock),
    log,
  })
  const readiness = () => Promise.reject(new Error('not asked'))
  const rest = { tasksOf: () => tasks, linkTo: (path: string) => path, log }
  const upload = { receiver: { receive: () => Promise.reject(new Error('not asked')) }, linkTo: (path: string) => path }
  const router = createRouter(createRoutes({ graphql, rest, upload, graphiql: null, readiness, mediaFile: () => null }))
  const origins = createOrigins({ listed: [], isOpen: async () => true, clock: gw.clock, log })
  const webSocket = { upgrade: () => {}, [Symbol.asyncDispose]: async () => {} }
  const server = await startServer(createEdge({ router, webSocket, authenticator, origins, publicUrl: null, log }), {
    host: '127.0.0.1',
    port: 0,
  })
  const pool = new Pool(`http://127.0.0.1:${server.port}`, { connections: 1 })
  return {
    async post({ headers, body }: GeneratedRequest) {
      const response = await pool.request({
        method: 'POST',
        path: '/graphql',
        headers,
        body: body.replaceAll('"known"', `"${known}"`).replaceAll('\\"known\\"', `\\"${known}\\"`),
      })
      const text = await response.body.text()
      const { date: _, ...seen } = response.headers
      return { status: response.statusCode, headers: seen, body: text.replaceAll(ERROR_ID, '"id":"…"') }
    },
    async [Symbol.asyncDispose]() {
      await pool.close()
      await server[Symbol.asyncDispose]()
      await sessions[Symbol.asyncDispose]()
    },
  }
}
