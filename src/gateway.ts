import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { createAdmission } from './auth/admit.js'
import { createAuthenticator } from './auth/authenticate.js'
import { judgeOpenness } from './auth/openness.js'
import type { Session } from './auth/session.js'
import { callerLimits, jwtSettings } from './auth/settings.js'
import { type Clock, systemClock } from './clock.js'
import { type Config, ConfigError, type GatewayOptions, resolveConfig } from './config.js'
import { createGraphQLServer } from './http/graphql.js'
import { createLogin, watchSessions } from './http/login.js'
import { createRouter, type Readiness } from './http/router.js'
import { startServer } from './http/server.js'
import { createWebSocketHandler } from './http/websocket.js'
import { createLog } from './log.js'
import { hostnameOf, urlOf } from './net/address.js'
import { type Poller, startPoller } from './poller.js'
import { createReadiness } from './readiness.js'
import { openDatabase } from './store/database.js'
import { createKeyStore } from './store/keys.js'
import { createSqliteStore } from './store/sqlite.js'
import { OPEN_CALLER, type WatchOnly } from './tasks/caller.js'
import { createHints } from './tasks/hints.js'
import { createJournal } from './tasks/journal.js'
import { createLane } from './tasks/lane.js'
import { createOutlook } from './tasks/outlook.js'
import { createQueueNews } from './tasks/queue-news.js'
import { createLookRound } from './tasks/round.js'
import type { Random } from './tasks/schedule.js'
import { createTaskServices } from './tasks/service.js'
import { createStall } from './tasks/stall.js'
import { createStatus } from './tasks/status.js'
import type { TaskService } from './tasks/task-service.js'
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
export interface Surroundings {
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
export const composeGateway = async (config: Config, { clock, random, log }: Surroundings) => {
  const stopping = new AbortController()
  // Each follower listens: their number is no leak.
  setMaxListeners(0, stopping.signal)
  const cut = new AbortController()
  let publicUrl = config.publicUrl?.replace(/\/+$/, '') ?? urlOf(config.host, config.port)

  const database = openDatabase(config.databaseUrl)
  const store = createSqliteStore(database)
  const { upstream, mediaFile } = await openUpstream(config, { clock, log, publicUrl: () => publicUrl }).catch(
    async thrown => {
      await store[Symbol.asyncDispose]()
      throw thrown
    },
  )
  const hints = createHints()
  const queueNews = createQueueNews({ hints, clock })
  const journal = createJournal({ store, hints, clock, log, onQueueMoved: queueNews.moved })
  const pace = { firstMs: config.pollFirstMs, minMs: config.pollMinMs, maxMs: config.pollMaxMs }
  const timeoutMs = config.upstreamTimeoutMs
  const shared = { store, upstream, journal, clock, log, random, pace, timeoutMs, cut: cut.signal }
  const lane = createLane({
    ...shared,
    submitsPerMinute: config.submitsPerMinute,
    maxQueueMs: config.maxQueueHours * 3_600_000,
  })
  const stall = createStall({ stallAfterMs: config.stallAfterMinutes * 60_000, log, onStall: hints.stir })
  const looks = createLookRound({ ...shared, concurrency: config.pollConcurrency, stall })
  const outlook = createOutlook({ store, upstream, lane, clock, stall })
  const status = createStatus({ store, upstream, lane, looks })
  const publicLink = (url: string) => (url.startsWith('/') ? `${publicUrl}${url}` : url)
  const tasksOf = createTaskServices({
    store,
    journal,
    hints,
    clock,
    outlook,
    admit: createAdmission(),
    estimateMs: config.estimateSeconds * 1_000,
    publicLink,
    stopping: stopping.signal,
  })

  const pollers: Poller[] = []
  const onError = (thrown: unknown) => log.error({ err: thrown }, 'round failed')
  const readiness = createReadiness({ store, upstream, lane, pollers, log })
  const nudge = () => {
    for (const poller of pollers) poller.nudge()
  }
  upstream.onChange?.((taskId, what) => {
    if (what === 'progress') return hints.stir(taskId)
    looks.lookSoon(taskId)
    nudge()
  })

  const keys = createKeyStore(database)
  const mode = config.auth ?? null
  const authenticator = createAuthenticator({
    keys,
    clock,
    log,
    mode,
    jwt: jwtSettings(config),
    limits: callerLimits(config),
  })
  const login = createLogin({ authenticator, openToAll: mode === 'open' })
  const sessions = watchSessions(authenticator, clock, onError)
  const contextOf = (session: Session) => ({
    caller: session.caller,
    tasks: tasksOf(session.caller),
    status,
    mintWatchToken: (only: WatchOnly, ttlSeconds: number) => authenticator.mintWatchToken(session, only, ttlSeconds),
  })
  const graphql = createGraphQLServer({ contextOf, login, sessions, explorer: config.explorer, log })
  const limits = {
    connections: config.wsMaxConnections,
    operations: config.wsMaxOperations,
    messageBytes: config.wsMaxMessageBytes,
    initTimeoutMs: config.wsInitTimeoutMs,
  }
  const webSocket = createWebSocketHandler({ graphql, login, sessions, limits, log })
  // Behind a proxy the console's own origin need not be what the gateway takes for its host.
  const corsOrigins = [...config.corsOrigins, ...(config.publicUrl ? [new URL(config.publicUrl).origin] : [])]
  const router = createRouter({ graphql, webSocket, readiness, mediaFile, corsOrigins, log })
  let server: AsyncDisposable = router

  /** Whom nobody asks who they are must be on this machine. */
  const judge = async (hosts: string[]) => {
    if (config.publicUrl) hosts.push(hostnameOf(config.publicUrl))
    const { refusal, warning } = judgeOpenness({ hosts, mode, isOpen: await authenticator.isOpen() })
    if (refusal) throw new ConfigError([refusal])
    if (warning) log.warn(warning)
  }

  const begin = async () => {
    await judge([])
    await looks.recover()
    for (const { round } of [lane, looks, queueNews]) {
      pollers.push(startPoller({ clock, round, onError }))
    }
    hints.on(null, nudge)
    log.info({ upstream: upstream.name }, 'gateway started')
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
    const timer = setTimeout(() => cut.abort(), CUT_AFTER_MS)
    // Followers are left to their sockets: ended by us, they would look complete to their clients.
    await Promise.all([server, ...pollers].map(part => part[Symbol.asyncDispose]()))
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
    const listening = await startServer(router, config)
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
    requestListener: router.listener,
    upgradeHandler: router.upgrade,
    start,
    listen: () =>
      listen().catch(async thrown => {
        await disposeOnce()
        throw thrown
      }),
    readiness,
    /** Resolves when nothing is left to do before the clock moves on. */
    async settled() {
      // One that was asleep first may have been nudged by another since.
      while (!pollers.every(poller => poller.isAsleep())) await Promise.all(pollers.map(poller => poller.asleep()))
    },
    listeners: hints.listeners,
    [Symbol.asyncDispose]: disposeOnce,
  } satisfies Gateway & { settled(): Promise<void>; listeners(): number }
}
