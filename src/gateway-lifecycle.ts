import type { Logger } from 'pino'
import type { Config } from './config.js'
import type { DisposalStack } from './disposal-stack.js'
import type { Edge } from './http/edge.js'
import { startServer } from './http/server.js'
import { urlOf } from './net/address.js'
import type { PublicLinks } from './public-links.js'
import type { Driver } from './tasks/driver/create-driver.js'

export interface LifecycleParts {
  readonly config: Config
  readonly log: Logger
  readonly edge: Edge
  readonly driver: Driver
  readonly links: PublicLinks
  /** Rejects when the gateway must not be reached at these addresses. */
  assertExposure(listening: readonly string[]): Promise<void>
  /** The parts to dispose. */
  readonly owned: DisposalStack
}

export interface Lifecycle extends AsyncDisposable {
  start(): Promise<void>
  /** Returns the URL. When it rejects, the gateway is shut down. */
  listen(): Promise<string>
}

/** How long upstream calls that are under way at the shutdown may still take. */
const CUT_AFTER_MS = 3_000

/** Starts and stops the gateway: each at most once, however often it is asked to. */
export function createLifecycle(parts: LifecycleParts): Lifecycle {
  const { config, log, edge, driver, links, assertExposure, owned } = parts
  let front: AsyncDisposable = edge
  let starting: Promise<void> | undefined
  let disposal: Promise<void> | undefined

  owned.defer(async () => {
    const timer = setTimeout(driver.cut, CUT_AFTER_MS)
    await Promise.all([front[Symbol.asyncDispose](), driver[Symbol.asyncDispose]()])
    clearTimeout(timer)
  })

  async function start(): Promise<void> {
    starting ??= begin()
    await starting
  }

  async function begin(): Promise<void> {
    if (front === edge) await assertExposure([])
    announceEngine(config, log)
    await driver.start()
  }

  /** Listens before it starts: a gateway that finds its port taken must not have submitted anything. */
  async function listen(): Promise<string> {
    await assertExposure([config.host])
    const server = await startServer(edge, config)
    front = server
    const url = urlOf(config.host, server.port)
    links.listensAt(url)
    await start()
    log.info({ url: `${url}/graphql` }, `listening on ${url}`)
    return url
  }

  /** Waits for a start that is under way, because a half-started gateway cannot be stopped. */
  async function dispose(): Promise<void> {
    const wasStarting = starting
    starting = Promise.resolve()
    await wasStarting?.catch(() => {})
    await owned[Symbol.asyncDispose]()
    log.info('gateway stopped')
  }

  function disposeOnce(): Promise<void> {
    disposal ??= dispose()
    return disposal
  }

  return {
    start,
    async listen() {
      try {
        return await listen()
      } catch (thrown) {
        await disposeOnce()
        throw thrown
      }
    },
    [Symbol.asyncDispose]: disposeOnce,
  }
}

/** Logs that the built-in engine makes the videos, which an operator who forgot the key of JoggAI does not expect. */
function announceEngine({ upstream, isUpstreamChosen }: Config, log: Logger): void {
  if (upstream !== 'engine') return
  if (isUpstreamChosen) log.info({ upstream }, 'the built-in engine makes the videos')
  else
    log.warn(
      { upstream },
      'no JoggAI key is set (JOGG_API_KEY): the built-in engine makes the videos. Set UPSTREAM=engine to silence this warning',
    )
}
