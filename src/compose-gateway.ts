import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { checkExposure } from './auth/anonymous-access.js'
import { createAuthenticator } from './auth/authenticator.js'
import { cacheKeys } from './auth/key-cache.js'
import type { Session } from './auth/session.js'
import { createSessionExpiry } from './auth/session-expiry.js'
import type { Clock } from './clock.js'
import { type Config, ConfigError } from './config.js'
import { createDisposalStack, type DisposalStack } from './disposal-stack.js'
import { createLifecycle } from './gateway-lifecycle.js'
import { createGraphQLContext } from './graphql/index.js'
import { createEdge, type Edge } from './http/edge.js'
import { createGraphiQL } from './http/graphiql.js'
import { createGraphQLServer } from './http/graphql.js'
import { createOrigins } from './http/origins.js'
import { createQueryBudget } from './http/query-budget.js'
import { createRouter } from './http/router.js'
import { createRoutes } from './http/routes.js'
import { createWebSocketHandler } from './http/websocket.js'
import { createMediaStore } from './media/media-store.js'
import { hostnameOf, isLoopback } from './net/address.js'
import { createPublicLinks } from './public-links.js'
import { createReadiness } from './readiness.js'
import { createSlots } from './slots.js'
import { isPostgresUrl, openStore } from './store/open-store.js'
import { OPEN_CALLER } from './tasks/caller.js'
import { createChangeNotifier } from './tasks/change-notifier.js'
import { createDriver } from './tasks/driver/create-driver.js'
import type { Random } from './tasks/driver/poll-schedule.js'
import { createTaskServices } from './tasks/service/create-task-services.js'
import { createTransitions } from './tasks/transitions.js'
import { openUploads } from './uploads/open-uploads.js'
import { openUpstream } from './upstream/index.js'

/** What the machine provides. Tests provide their own. */
export interface GatewayRuntime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const SAMPLE_VIDEO = '/media/sample/presenter.mp4'
const SAMPLE_AUDIO = '/media/sample/speech.m4a'

/**
 * The composition root: builds every part, passes each what it needs, and disposes them in reverse order, also when a part
 * cannot be built. Besides the gateway it returns what only tests need.
 */
export async function composeGateway(config: Config, runtime: GatewayRuntime) {
  const owned = createDisposalStack()
  try {
    const core = await openCore(config, runtime, owned)
    const access = createAccess(config, core, owned)
    // After the sockets are closed: a follower that ends before its socket looks complete to its client.
    owned.defer(() => core.stopping.abort())
    const edge = createFront(config, core, access)
    const lifecycle = createLifecycle({ config, ...core, ...access, edge, owned })
    owned.defer(() => core.draining.abort())
    const { driver, uploads, tasksOf, readiness, notifier } = core
    const gateway = {
      ...lifecycle,
      tasks: tasksOf(OPEN_CALLER),
      tasksOf: (callerId: string) => tasksOf({ ...OPEN_CALLER, id: callerId, scopes: new Set(['read', 'create']) }),
      requestListener: edge.listener,
      upgradeHandler: edge.upgrade,
      readiness,
    }
    return {
      gateway,
      settled: () => Promise.all([driver.settled(), uploads.expiry.asleep()]),
      listeners: notifier.listeners,
    }
  } catch (thrown) {
    await owned[Symbol.asyncDispose]()
    throw thrown
  }
}

type Core = Awaited<ReturnType<typeof openCore>>
type Access = ReturnType<typeof createAccess>

/** Opens the store and the upstream, and builds what keeps and drives tasks. */
async function openCore(config: Config, { clock: systemClock, random, log }: GatewayRuntime, owned: DisposalStack) {
  const links = createPublicLinks(config)
  assertUpstreamIsShared(config)
  const { tasks: store, keys, clock, feed } = owned.own(await openStore(config, systemClock, log))
  const media = createMediaStore(config.dataDir)
  const upstream = owned.own(await openUpstream(config, { clock, log, media, links }))

  const { dataDir, publicUrl } = config
  const uploads = owned.own(
    await openUploads({ store, keys, media, links, clock, log, dataDir, publicUrl, ttlMs: config.uploads.ttlMs }),
  )

  const notifier = createChangeNotifier(feed)
  const transitions = createTransitions({ store, notifier, clock, log })
  const driver = createDriver({
    ...{ store, upstream, transitions, notifier, clock, log, random },
    timeoutMs: config.upstreamTimeoutMs,
    intervals: config.poll,
    stallAfterMs: config.poll.stallAfterMs,
    submitsPerMinute: config.submits.perMinute ?? upstream.submitsPerMinute,
    maxQueueMs: config.submits.maxQueueMs,
    uploadedFiles: uploads.uploadedFiles,
  })
  const [draining, stopping] = [new AbortController(), new AbortController()]
  // Each waiting request adds a listener; their number is no leak.
  setMaxListeners(0, draining.signal)
  const sockets = createSlots()
  const tasksOf = createTaskServices({
    ...{ store, transitions, notifier, clock, sockets },
    liveStates: driver.liveStates,
    priceOf: upstream.priceOf,
    estimateMs: config.estimateSeconds * 1_000,
    publicLink: links.linkTo,
    ...{ uploadLinks: uploads.uploadLinks, assetOf: uploads.assetOf },
    ...{ uploadLimits: config.uploads.limits, uploadTtlMs: config.uploads.ttlMs },
    draining: draining.signal,
    stopping: stopping.signal,
  })
  const readiness = createReadiness({ store, clock, log, submitter: driver.submitter, pollers: driver.pollers })
  const { isShared } = store
  return {
    ...{
      links,
      isShared,
      feed,
      keys,
      clock,
      log,
      media,
      uploads,
      notifier,
      driver,
      draining,
      stopping,
      sockets,
      tasksOf,
      readiness,
    },
  }
}

/** Builds what identifies callers and ends their sessions. */
function createAccess(config: Config, { isShared, feed, keys, clock, log }: Core, owned: DisposalStack) {
  // Where a mounted gateway can be reached is up to its host, so it counts as exposed until it listens by itself.
  let isExposed = true
  const authenticator = createAuthenticator({
    ...{ keys, clock, log },
    loginKeys: isShared ? cacheKeys(keys, feed, clock) : keys,
    mode: config.auth,
    isExposed: () => isExposed,
    jwt: config.jwt,
    limits: config.callerLimits,
  })
  const onError = (thrown: unknown) => log.error({ err: thrown }, 'session check failed')
  const sessions = owned.own(createSessionExpiry(authenticator, clock, onError))
  feed.onRemoteChange(({ kind }) => {
    if (kind === 'keys') sessions.checkNow()
  })

  /** A gateway without authentication must be reachable from this machine only. */
  async function assertExposure(listening: readonly string[]): Promise<void> {
    const hosts = config.publicUrl ? [...listening, hostnameOf(config.publicUrl)] : listening
    isExposed = hosts.length === 0 || !hosts.every(isLoopback)
    const { startError, warning } = checkExposure({ hosts, mode: config.auth, isOpen: await authenticator.isOpen() })
    if (startError) throw new ConfigError([startError])
    if (warning) log.warn(warning)
  }
  return { authenticator, sessions, assertExposure }
}

/** Builds the edge and the protocols behind it. */
function createFront(config: Config, core: Core, { authenticator, sessions }: Access): Edge {
  const { links, media, uploads, clock, log, driver, sockets, tasksOf, readiness } = core
  const contextOf = (session: Session, leaving?: () => AbortSignal) =>
    createGraphQLContext({
      leaving,
      caller: session.caller,
      tasks: tasksOf(session.caller),
      status: driver.status,
      mintWatchToken: (only, ttlSeconds) => authenticator.mintWatchToken(session, only, ttlSeconds),
    })
  const budget = createQueryBudget(clock)
  const graphql = createGraphQLServer({ contextOf, sessions, budget, explorer: config.explorer, log })
  const origins = createOrigins({ listed: allowedOrigins(config), isOpen: authenticator.isOpen, clock, log })
  const limits = config.webSocket
  const webSocket = createWebSocketHandler({ graphql, authenticator, sessions, sockets, origins, limits, clock, log })
  const sampleLinks = () =>
    config.upstream !== 'engine' ? null : { videoUrl: links.linkTo(SAMPLE_VIDEO), audioUrl: links.linkTo(SAMPLE_AUDIO) }
  const graphiql = config.explorer ? createGraphiQL(sampleLinks) : null
  const rest = { tasksOf, linkTo: links.linkTo, log }
  const upload = { receiver: uploads.receiver, linkTo: links.linkTo }
  const router = createRouter(createRoutes({ graphql, rest, upload, graphiql, readiness, mediaFile: media.resolve }))
  return createEdge({ router, webSocket, authenticator, origins, publicUrl: config.publicUrl, log })
}

/** Behind a proxy, the origin of the gateway's own pages need not be the host that the request names. */
function allowedOrigins({ corsOrigins, publicUrl }: Config): string[] {
  return [...corsOrigins, ...(publicUrl ? [new URL(publicUrl).origin] : [])]
}

/** The engine's jobs and media are files of one machine, and only the gateway that runs a job knows its state. */
function assertUpstreamIsShared({ databaseUrl, upstream }: Config): void {
  if (upstream !== 'engine' || !isPostgresUrl(databaseUrl)) return
  throw new ConfigError([
    'The built-in engine cannot be used with Postgres: its jobs and media are on one machine, where other gateways cannot find them. Set UPSTREAM=jogg and JOGG_API_KEY, or keep the database in SQLite.',
  ])
}
