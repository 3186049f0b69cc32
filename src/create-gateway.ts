import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { systemClock } from './clock.js'
import { composeGateway } from './compose-gateway.js'
import { resolveConfig } from './config.js'
import type { GatewayOptions } from './gateway-options.js'
import { createLog } from './log.js'
import type { Readiness } from './readiness.js'
import type { TaskService } from './tasks/service/task-service.js'

/** A gateway. Leaving its scope (`await using`), or awaiting its `Symbol.asyncDispose`, shuts it down within 5 s. */
export interface Gateway extends AsyncDisposable {
  /** The tasks of the caller `open`, which owns all tasks while no authentication is configured. */
  readonly tasks: TaskService
  /**
   * The tasks of one caller, by the name of its API keys or the subject of its tokens. The caller's limits and monthly
   * budget do not apply to what is created here.
   */
  tasksOf(callerId: string): TaskService
  /**
   * A Node request listener and Connect middleware. Below a path, mount it so that the framework strips the path, and set
   * `publicUrl` to the URL with the path.
   */
  readonly requestListener: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void
  /**
   * Handles a WebSocket handshake on `/graphql`, also below the path of `publicUrl`, and returns true; returns false, and
   * leaves the socket untouched, for any other path.
   */
  readonly upgradeHandler: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /** Starts submitting tasks and checking their status. Tasks created before are accepted and wait. */
  start(): Promise<void>
  /**
   * Starts, and listens on a port of its own (`host`, `port`). Returns the URL, such as `http://127.0.0.1:4000`. When it
   * rejects, the gateway is shut down.
   */
  listen(): Promise<string>
  /** Returns what `/ready` reports. */
  readiness(): Promise<Readiness>
}

/**
 * Opens the database and the upstream. Rejects with one `ConfigError` that names every wrong option.
 *
 * @param options.log a pino logger to use instead of JSON lines on the standard output
 */
export async function createGateway(options: GatewayOptions & { log?: Logger } = {}): Promise<Gateway> {
  const { log, ...rest } = options
  const config = resolveConfig(rest)
  const runtime = { clock: systemClock, random: Math.random, log: log ?? createLog(config.logLevel) }
  return (await composeGateway(config, runtime)).gateway
}
