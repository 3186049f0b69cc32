import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { checkExposure } from './auth/anonymous-access.js'
import { createAuthenticator } from './auth/authenticator.js'
import type { Session } from './auth/session.js'
import type { Clock } from './clock.js'
import { type Config, ConfigError } from './config.js'
import { createDisposalStack, type DisposalStack } from './disposal-stack.js'
import { createGraphQLContext } from './graphql/index.js'
import { createGraphQLServer } from './http/graphql.js'
import { createLogin, createSessionExpiry } from './http/login.js'
import { createRouter } from './http/router.js'
import { startServer } from './http/server.js'
import { hostnameOf, urlOf } from './http/url.js'
import { createWebSocketHandler } from './http/websocket.js'
import { type Poller, startPoller } from './poller.js'
import { createPublicLinks } from './public-links.js'
import { createReadiness } from './readiness.js'
import { openStore } from './store/open-store.js'
import { OPEN_CALLER, type TaskRestriction } from './tasks/caller.js'
import { createChangeNotifier } from './tasks/change-notifier.js'
import { createGatewayStatus } from './tasks/driver/gateway-status.js'
import { createLiveState } from './tasks/driver/live-state.js'
import type { Random } from './tasks/driver/poll-schedule.js'
import { createQueuePositionUpdates } from './tasks/driver/queue-position-updates.js'
import { createStallDetection } from './tasks/driver/stall-detection.js'
import { createStatusPoller } from './tasks/driver/status-poller.js'
import { createSubmitter } from './tasks/driver/submitter.js'
import { centsFor } from './tasks/pricing.js'
import { createTaskServices } from './tasks/service/create-task-services.js'
import type { Task } from './tasks/task.js'
import type { TaskStore } from './tasks/task-store.js'
import { createTransitions } from './tasks/transitions.js'
import { openUpstream } from './upstream/index.js'

/** What the machine provides. Tests provide their own. */
export interface GatewayRuntime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** How long upstream calls that are under way at the shutdown may still take. */
const CUT_AFTER_MS = 3_000

/**
 * The composition root: builds every part, hands each what it needs, and disposes them in reverse order, also when a part
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
  const { upstream, mediaFile } = await openUpstream(config, { clock, log, links })
  parts.own(upstream)

  const driver = createDriver(config, { clock, random, log }, { store, upstream })
  const stopping = new AbortController()
  // Each follower adds a listener; their number is no leak.
  setMaxListeners(0, stopping.signal)
  const tasksOf = createTaskServices({
    ...driver,
    store,
    clock,
    liveStates: async (tasks: readonly Task[]) =>
      new Map(await Promise.all(tasks.map(async task => [task.id, await driver.liveState(task)] as const))),
    priceOf: centsFor,
    estimateMs: config.estimateSeconds * 1_000,
    publicLink: links.linkTo,
    stopping: stopping.signal,
  })
  const status = createGatewayStatus({ store, upstream, ...driver })
  const readiness = createReadiness({ store, upstream, log, ...driver })

  const authenticator = createAuthenticator({
    keys,
    clock,
    log,
    mode: config.auth,
    jwt: config.jwt,
    limits: config.callerLimits,
  })
  const sessions = parts.own(createSessionExpiry(authenticator, clock, driver.onError))
  // Followers are ended with their sockets: ended here, they would look complete to their clients.
  parts.defer(() => stopping.abort())

  const login = createLogin({ authenticator, openToAll: config.auth === 'open' })
  const contextOf = (session: Session) =>
    createGraphQLContext({
      caller: session.caller,
      tasks: tasksOf(session.caller),
      status,
      mintWatchToken: (only: TaskRestriction, ttlSeconds: number) =>
        authenticator.mintWatchToken(session, only, ttlSeconds),
    })
  const graphql = createGraphQLServer({ contextOf, login, sessions, explorer: config.explorer, log })
  const webSocket = createWebSocketHandler({ graphql, login, sessions, limits: config.webSocket, log })
  const router = createRouter({ graphql, webSocket, readiness, mediaFile, corsOrigins: allowedOrigins(config), log })

  let front: AsyncDisposable = router
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
    await checkAccess([])
    announceUpstream(config, upstream.name, log)
    await driver.start()
  }

  /** Listens before it starts: a gateway that finds its port taken must not have submitted anything. */
  async function listen(): Promise<string> {
    await checkAccess([config.host])
    const server = await startServer(router, config)
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
    const { refusal, warning } = checkExposure({ hosts, mode: config.auth, isOpen: await authenticator.isOpen() })
    if (refusal) throw new ConfigError([refusal])
    if (warning) log.warn(warning)
  }

  let disposal: Promise<void> | undefined
  async function dispose(): Promise<void> {
    // A start that is under way is waited for: half of it could not be stopped.
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
    requestListener: router.listener,
    upgradeHandler: router.upgrade,
    start,
    listen: () =>
      listen().catch(async thrown => {
        await disposeOnce()
        throw thrown
      }),
    readiness,
    [Symbol.asyncDispose]: disposeOnce,
  }
  return { gateway, settled: driver.settled, listeners: driver.notifier.listeners }
}

/** What moves tasks: the writer of transitions, and the pollers that submit tasks and check their status. */
function createDriver(
  config: Config,
  { clock, random, log }: GatewayRuntime,
  { store, upstream }: { store: TaskStore; upstream: UpstreamPart },
) {
  const cut = new AbortController()
  const notifier = createChangeNotifier()
  const queuePositionUpdates = createQueuePositionUpdates({ notifier, clock })
  const transitions = createTransitions({ store, notifier, clock, log })
  const timeoutMs = config.upstreamTimeoutMs
  const shared = { store, upstream, transitions, clock, log, random, pace: config.poll, timeoutMs, cut: cut.signal }
  const submitter = createSubmitter({
    ...shared,
    submitsPerMinute: config.submits.perMinute ?? (upstream.name === 'jogg' ? 20 : null),
    maxQueueMs: config.submits.maxQueueMs,
  })
  const stallAfterMs = config.poll.stallAfterMinutes * 60_000
  const stall = createStallDetection({ stallAfterMs, log, onStall: notifier.refreshed })
  const statusPoller = createStatusPoller({ ...shared, concurrency: config.poll.concurrency, stall })
  const liveState = createLiveState({ store, upstream, submitter, clock, stall })

  const pollers: Poller[] = []
  const onError = (thrown: unknown) => log.error({ err: thrown }, 'round failed')
  const nudge = () => {
    for (const poller of pollers) poller.nudge()
  }
  upstream.onChange?.((taskId, what) => {
    if (what === 'progress') return notifier.refreshed(taskId)
    statusPoller.checkSoon(taskId)
    nudge()
  })

  return {
    notifier,
    transitions,
    submitter,
    statusPoller,
    liveState,
    pollers,
    onError,
    /** Aborts the upstream calls that are under way. */
    cut: () => cut.abort(),
    async start(): Promise<void> {
      await statusPoller.recover()
      for (const { round } of [submitter, statusPoller, queuePositionUpdates])
        pollers.push(startPoller({ clock, round, onError }))
      notifier.onTransition('all', (task, from) => {
        if (from === 'queued' || task.stage === 'queued') queuePositionUpdates.moved()
        nudge()
      })
      log.info({ upstream: upstream.name }, 'gateway started')
    },
    /** Resolves when no poller has anything to do before the clock moves on. */
    async settled(): Promise<void> {
      // A poller that fell asleep first may have been nudged by another since.
      while (!pollers.every(poller => poller.isAsleep())) await Promise.all(pollers.map(poller => poller.asleep()))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pollers.map(poller => poller[Symbol.asyncDispose]()))
    },
  }
}

type UpstreamPart = Awaited<ReturnType<typeof openUpstream>>['upstream']

/** A gateway that makes videos by itself says so, since an operator who forgot the key of JoggAI expects other ones. */
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
