import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { checkExposure } from './auth/anonymous-access.js'
import { createAuthenticator } from './auth/authenticator.js'
import type { Session } from './auth/session.js'
import { createSessionExpiry } from './auth/session-expiry.js'
import { callerLimits, jwtSettings } from './auth/settings.js'
import { type Clock, systemClock } from './clock.js'
import { type Config, ConfigError, type GatewayOptions, resolveConfig } from './config.js'
import { createGraphQLContext } from './graphql/index.js'
import { createEdge } from './http/edge.js'
import { createGraphiQL } from './http/graphiql.js'
import { createGraphQLServer } from './http/graphql.js'
import { createOrigins } from './http/origins.js'
import { createQueryBudget } from './http/query-budget.js'
import { createRouter } from './http/router.js'
import { createRoutes } from './http/routes.js'
import { startServer } from './http/server.js'
import { createWebSocketHandler } from './http/websocket.js'
import { createLog } from './log.js'
import { hostnameOf, isLoopback, urlOf } from './net/address.js'
import { createReadiness, type Readiness } from './readiness.js'
import { openStore } from './store/open-store.js'
import { OPEN_CALLER, type TaskRestriction } from './tasks/caller.js'
import { createChangeNotifier } from './tasks/change-notifier.js'
import { createDriver } from './tasks/driver/create-driver.js'
import type { Random } from './tasks/driver/poll-schedule.js'
import { createTaskServices } from './tasks/service/create-task-services.js'
import type { TaskService } from './tasks/service/task-service.js'
import { createTransitions } from './tasks/transitions.js'
import { openUpstream } from './upstream/index.js'

/** A gateway. Leaving its scope (`await using`), or awaiting its `Symbol.asyncDispose`, shuts it down within 5 s. */
export interface Gateway extends AsyncDisposable {
  /** The tasks of a gateway that asks nobody who they are, without GraphQL in between. */
  readonly tasks: TaskService
  /** The tasks of one caller, as an API key's name or a token's subject names it; without its limits. */
  tasksOf(callerId: string): TaskService
  /** A Node request listener, and a Connect middleware: mount it at the root, it takes `/graphql`, `/media/*`, `/health` and `/ready`. */
  readonly requestListener: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void
  /** Takes a WebSocket handshake on `/graphql`; answers false, and touches nothing, when it is not the gateway's. */
  readonly upgradeHandler: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /** Begins to submit and to look. Until then tasks are accepted and wait. */
  start(): Promise<void>
  /**
   * Starts, and listens on a port of its own (`host`, `port`). Answers where: `http://127.0.0.1:4000`. When it fails, the
   * gateway is shut down.
   */
  listen(): Promise<string>
  /** What `/ready` says. */
  readiness(): Promise<Readiness>
}

/** What tests put in place of the machine's own. */
export interface GatewayRuntime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Opens the store and the upstream. Rejects with one error that names every wrong option. */
export const createGateway = async (options: GatewayOptions & { log?: Logger } = {}): Promise<Gateway> => {
  const { log, ...rest } = options
  const config = resolveConfig(rest)
  return composeGateway(config, { clock: systemClock, random: Math.random, log: log ?? createLog(config.logLevel) })
}

/** How long the calls upstream that are under way at the shutdown may still take. */
const CUT_AFTER_MS = 3_000

/** The composition root: every part is built here, handed what it needs, and disposed in reverse. */
export const composeGateway = async (config: Config, { clock: systemClock, random, log }: GatewayRuntime) => {
  const stopping = new AbortController()
  // Each follower listens: their number is no leak.
  setMaxListeners(0, stopping.signal)
  let publicUrl = config.publicUrl?.replace(/\/+$/, '') ?? urlOf(config.host, config.port)

  const { tasks: store, keys, clock } = await openStore(config, systemClock, log)
  const { upstream, mediaFile } = await openUpstream(config, { clock, log, publicUrl: () => publicUrl }).catch(
    async thrown => {
      await store[Symbol.asyncDispose]()
      throw thrown
    },
  )
  const notifier = createChangeNotifier()
  const transitions = createTransitions({ store, notifier, clock, log })
  const driver = createDriver({
    store,
    upstream,
    transitions,
    notifier,
    clock,
    log,
    random,
    timeoutMs: config.upstreamTimeoutMs,
    intervals: { firstMs: config.pollFirstMs, minMs: config.pollMinMs, maxMs: config.pollMaxMs },
    concurrency: config.pollConcurrency,
    stallAfterMs: config.stallAfterMinutes * 60_000,
    submitsPerMinute: config.submitsPerMinute,
    maxQueueMs: config.maxQueueHours * 3_600_000,
  })
  const publicLink = (url: string) => (url.startsWith('/') ? `${publicUrl}${url}` : url)
  const tasksOf = createTaskServices({
    store,
    transitions,
    notifier,
    clock,
    liveStates: driver.liveStates,
    priceOf: upstream.priceOf,
    estimateMs: config.estimateSeconds * 1_000,
    publicLink,
    stopping: stopping.signal,
  })

  const onError = (thrown: unknown) => log.error({ err: thrown }, 'round failed')
  const { submitter, pollers } = driver
  const readiness = createReadiness({ store, submitter, pollers, clock, log })

  const mode = config.auth ?? null
  // A host application decides where a mounted gateway can be reached, so the safe assumption is: from anywhere.
  let isExposed = true
  const authenticator = createAuthenticator({
    keys,
    clock,
    log,
    mode,
    isExposed: () => isExposed,
    jwt: jwtSettings(config),
    limits: callerLimits(config),
  })
  const sessions = createSessionExpiry(authenticator, clock, onError)
  const contextOf = (session: Session) =>
    createGraphQLContext({
      caller: session.caller,
      tasks: tasksOf(session.caller),
      status: driver.status,
      mintWatchToken: (only: TaskRestriction, ttlSeconds: number) =>
        authenticator.mintWatchToken(session, only, ttlSeconds),
    })
  const budget = createQueryBudget(clock)
  const graphql = createGraphQLServer({ contextOf, sessions, budget, explorer: config.explorer, log })
  // Behind a proxy, the origin of the gateway's own pages need not be the host of their requests.
  const listed = [...config.corsOrigins, ...(config.publicUrl ? [new URL(config.publicUrl).origin] : [])]
  const origins = createOrigins({ listed, isOpen: authenticator.isOpen, clock, log })
  const limits = {
    connections: config.wsMaxConnections,
    operations: config.wsMaxOperations,
    messageBytes: config.wsMaxMessageBytes,
    initTimeoutMs: config.wsInitTimeoutMs,
  }
  const webSocket = createWebSocketHandler({ graphql, authenticator, sessions, origins, limits, clock, log })
  const sampleLinks = () =>
    mediaFile('/media/sample/presenter.mp4') === null
      ? null
      : { videoUrl: publicLink('/media/sample/presenter.mp4'), audioUrl: publicLink('/media/sample/speech.m4a') }
  const graphiql = config.explorer ? createGraphiQL(sampleLinks) : null
  const router = createRouter(createRoutes({ graphql, graphiql, readiness, mediaFile }))
  const edge = createEdge({ router, webSocket, authenticator, origins, log })
  let server: AsyncDisposable = edge

  /** Whom nobody asks who they are must be on this machine. */
  const judge = async (hosts: string[]) => {
    if (config.publicUrl) hosts.push(hostnameOf(config.publicUrl))
    isExposed = hosts.length === 0 || !hosts.every(isLoopback)
    const { refusal, warning } = checkExposure({ hosts, mode, isOpen: await authenticator.isOpen() })
    if (refusal) throw new ConfigError([refusal])
    if (warning) log.warn(warning)
  }

  const begin = async () => {
    if (server === edge) await judge([])
    await driver.start()
  }
  let beginning: Promise<void> | undefined
  let disposal: Promise<void> | undefined
  const start = async () => {
    if (disposal) return
    beginning ??= begin()
    await beginning
  }

  const dispose = async () => {
    // What has begun to start is started first: half of it could not be stopped.
    await beginning?.catch(() => {})
    const timer = setTimeout(driver.cut, CUT_AFTER_MS)
    // Followers are left to their sockets: ended by us, they would look complete to their clients.
    await Promise.all([server, driver].map(part => part[Symbol.asyncDispose]()))
    clearTimeout(timer)
    stopping.abort()
    await sessions[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    log.info('gateway stopped')
  }
  const disposeOnce = () => (disposal ??= dispose())

  /** Listens before it starts: who finds the port taken must not have submitted anything. */
  const listen = async () => {
    await judge([config.host])
    const listening = await startServer(edge, config)
    server = listening
    const url = urlOf(config.host, listening.port)
    if (!config.publicUrl) publicUrl = url
    await start()
    log.info({ url: `${url}/graphql` }, 'listening')
    return url
  }

  return {
    tasks: tasksOf(OPEN_CALLER),
    tasksOf: (callerId: string) => tasksOf({ ...OPEN_CALLER, id: callerId, scopes: new Set(['read', 'create']) }),
    requestListener: edge.listener,
    upgradeHandler: edge.upgrade,
    start,
    listen: () =>
      listen().catch(async thrown => {
        await disposeOnce()
        throw thrown
      }),
    readiness,
    /** Resolves when nothing is left to do before the clock moves on. */
    settled: driver.settled,
    listeners: notifier.listeners,
    [Symbol.asyncDispose]: disposeOnce,
  } satisfies Gateway & { settled(): Promise<void>; listeners(): number }
}
