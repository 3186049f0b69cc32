import type { Logger } from 'pino'
import { checkExposure } from './auth/anonymous-access.js'
import { createAuthenticator } from './auth/authenticator.js'
import type { Session } from './auth/session.js'
import { createSessionExpiry } from './auth/session-expiry.js'
import type { Clock } from './clock.js'
import { type Config, ConfigError } from './config.js'
import { createDisposalStack, type DisposalStack } from './disposal-stack.js'
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
import { createMediaStore } from './media/media-store.js'
import { hostnameOf, isLoopback, urlOf } from './net/address.js'
import { createPublicLinks } from './public-links.js'
import { createReadiness } from './readiness.js'
import { createSlots } from './slots.js'
import { openStore } from './store/open-store.js'
import { OPEN_CALLER, type TaskRestriction } from './tasks/caller.js'
import { createChangeNotifier } from './tasks/change-notifier.js'
import { createDriver } from './tasks/driver/create-driver.js'
import type { Random } from './tasks/driver/poll-schedule.js'
import { createTaskServices } from './tasks/service/create-task-services.js'
import { createTransitions } from './tasks/transitions.js'
import { openUpstream } from './upstream/index.js'

/** What the machine provides. Tests provide their own. */
export interface GatewayRuntime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const SAMPLE_VIDEO = '/media/sample/presenter.mp4'
const SAMPLE_AUDIO = '/media/sample/speech.m4a'

/** How long upstream calls that are under way at the shutdown may still take. */
const CUT_AFTER_MS = 3_000

/**
 * The composition root: builds every part, passes each what it needs, and disposes them in reverse order, also when a part
 * cannot be built. Besides the gateway it returns what only tests need.
 */
export async function composeGateway(config: Config, runtime: GatewayRuntime) {
  const parts = createDisposalStack()
  try {
    return await compose(config, runtime, parts)
  } catch (thrown) {
    await parts[Symbol.asyncDispose]()
    throw thrown
  }
}

async function compose(config: Config, { clock: systemClock, random, log }: GatewayRuntime, parts: DisposalStack) {
  const links = createPublicLinks(config)
  const { tasks: store, keys, clock } = parts.own(await openStore(config, systemClock, log))
  const media = createMediaStore(config.dataDir)
  const upstream = parts.own(await openUpstream(config, { clock, log, media, links }))

  const notifier = createChangeNotifier()
  const transitions = createTransitions({ store, notifier, clock, log })
  const driver = createDriver({
    ...{ store, upstream, transitions, notifier, clock, log, random },
    timeoutMs: config.upstreamTimeoutMs,
    intervals: config.poll,
    stallAfterMs: config.poll.stallAfterMs,
    submitsPerMinute: config.submits.perMinute ?? upstream.submitsPerMinute,
    maxQueueMs: config.submits.maxQueueMs,
  })
  const stopping = new AbortController()
  const sockets = createSlots()
  const tasksOf = createTaskServices({
    store,
    transitions,
    notifier,
    clock,
    liveStates: driver.liveStates,
    priceOf: upstream.priceOf,
    estimateMs: config.estimateSeconds * 1_000,
    publicLink: links.linkTo,
    sockets,
    stopping: stopping.signal,
  })
  const readiness = createReadiness({
    store,
    clock,
    log,
    submitter: driver.submitter,
    pollers: driver.pollers,
  })

  // Where a mounted gateway can be reached is up to its host, so it counts as exposed until it listens by itself.
  let isExposed = true
  const authenticator = createAuthenticator({
    keys,
    clock,
    log,
    mode: config.auth,
    isExposed: () => isExposed,
    jwt: config.jwt,
    limits: config.callerLimits,
  })
  const sessions = parts.own(
    createSessionExpiry(authenticator, clock, thrown => log.error({ err: thrown }, 'session check failed')),
  )
  // After the sockets are closed: a follower that ends before its socket looks complete to its client.
  parts.defer(() => stopping.abort())

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
  const origins = createOrigins({ listed: allowedOrigins(config), isOpen: authenticator.isOpen, clock, log })
  const limits = config.webSocket
  const webSocket = createWebSocketHandler({ graphql, authenticator, sessions, sockets, origins, limits, clock, log })
  const sampleLinks = () =>
    config.upstream !== 'engine' ? null : { videoUrl: links.linkTo(SAMPLE_VIDEO), audioUrl: links.linkTo(SAMPLE_AUDIO) }
  const graphiql = config.explorer ? createGraphiQL(sampleLinks) : null
  const router = createRouter(createRoutes({ graphql, graphiql, readiness, mediaFile: media.resolve }))
  const edge = createEdge({ router, webSocket, authenticator, origins, log })

  let front: AsyncDisposable = edge
  parts.defer(async () => {
    const timer = setTimeout(driver.cut, CUT_AFTER_MS)
    await Promise.all([front[Symbol.asyncDispose](), driver[Symbol.asyncDispose]()])
    clearTimeout(timer)
  })

  let starting: Promise<void> | undefined
  async function start(): Promise<void> {
    starting ??= begin()
    await starting
  }
  async function begin(): Promise<void> {
    if (front === edge) await checkAccess([])
    announceUpstream(config, upstream.name, log)
    await driver.start()
  }

  /** Listens before it starts: a gateway that finds its port taken must not have submitted anything. */
  async function listen(): Promise<string> {
    await checkAccess([config.host])
    const server = await startServer(edge, config)
    front = server
    const url = urlOf(config.host, server.port)
    links.listensAt(url)
    await start()
    log.info({ url: `${url}/graphql` }, `listening on ${url}`)
    return url
  }

  /** A gateway without authentication must be reachable from this machine only. */
  async function checkAccess(listening: readonly string[]): Promise<void> {
    const hosts = config.publicUrl ? [...listening, hostnameOf(config.publicUrl)] : listening
    isExposed = hosts.length === 0 || !hosts.every(isLoopback)
    const { startError, warning } = checkExposure({ hosts, mode: config.auth, isOpen: await authenticator.isOpen() })
    if (startError) throw new ConfigError([startError])
    if (warning) log.warn(warning)
  }

  let disposal: Promise<void> | undefined
  async function dispose(): Promise<void> {
    // Waits for a start that is under way, because a half-started gateway cannot be stopped.
    const wasStarting = starting
    starting = Promise.resolve()
    await wasStarting?.catch(() => {})
    await parts[Symbol.asyncDispose]()
    log.info('gateway stopped')
  }
  const disposeOnce = () => (disposal ??= dispose())

  const gateway = {
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
    [Symbol.asyncDispose]: disposeOnce,
  }
  return { gateway, settled: driver.settled, listeners: notifier.listeners }
}

/** Logs that the built-in engine makes the videos: an operator who forgot the key of JoggAI expects other ones. */
function announceUpstream({ upstream, isUpstreamChosen }: Config, name: string, log: Logger): void {
  if (upstream !== 'engine') return
  if (isUpstreamChosen) log.info({ upstream: name }, 'the built-in engine makes the videos')
  else
    log.warn(
      { upstream: name },
      'no JoggAI key is set (JOGG_API_KEY): the built-in engine makes the videos. Set UPSTREAM=engine to silence this warning',
    )
}

/** Behind a proxy, the origin of the gateway's own pages need not be the host that the request names. */
function allowedOrigins({ corsOrigins, publicUrl }: Config): string[] {
  return [...corsOrigins, ...(publicUrl ? [new URL(publicUrl).origin] : [])]
}
