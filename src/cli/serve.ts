import { once } from 'node:events'
import type { Logger } from 'pino'
import { systemClock } from '../clock.js'
import { composeGateway } from '../compose-gateway.js'
import { type Config, ConfigError, configFromEnv, type GatewayOptions, isExposed } from '../config.js'
import { createLog } from '../log.js'
import { onInterrupt } from './interrupt.js'
import { unknownVariables } from './unknown-variables.js'

/** How long a shutdown may take before it is cut short. */
const SHUTDOWN_MS = 4_800

/** The options that `serve` takes on the command line; they override the environment. */
export type ServeFlags = Pick<GatewayOptions, 'host' | 'port' | 'restored'>

/** Serves until a signal arrives, then shuts down. */
export async function serve(flags: ServeFlags): Promise<void> {
  const config = configFromEnv(process.env, flags)
  const unknown = unknownVariables(process.env)
  // A misspelt key must not leave a production gateway without JoggAI.
  const fatal = isExposed(config) ? unknown.filter(({ name }) => name.startsWith('JOGG_')) : []
  if (fatal.length > 0) throw new ConfigError(fatal.map(({ message }) => message))

  const interrupt = onInterrupt()
  const log = createLog(config.logLevel)
  for (const { message } of unknown) log.warn(message)
  await using running = await openGateway(config, log)
  await running.gateway.listen().catch(thrown => {
    throw listenError(thrown, config)
  })
  if (!interrupt.aborted) await once(interrupt, 'abort')
  log.info({ signal: interrupt.reason }, 'shutting down')
  setTimeout(() => {
    log.error('shutdown cut short')
    process.exit(1)
  }, SHUTDOWN_MS).unref()
}

async function openGateway(config: Config, log: Logger) {
  const { gateway } = await composeGateway(config, { clock: systemClock, random: Math.random, log }).catch(thrown => {
    throw openError(thrown, config)
  })
  return { gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

/** Says what to do about a file or folder that the gateway must not write. The store wraps such errors. */
function openError(thrown: unknown, { dataDir }: Config): unknown {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { code, path = dataDir }: NodeJS.ErrnoException = error
    if (code !== 'EACCES' && code !== 'EROFS') continue
    const reason = code === 'EACCES' ? 'permission denied' : 'read-only file system'
    return new Error(`${path} cannot be written: ${reason}. Set DATA_DIR to another folder.`, { cause: thrown })
  }
  return thrown
}

/** Says what to do about an error of the socket. */
function listenError(error: NodeJS.ErrnoException, { host, port }: Config): Error {
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} of ${host} is in use. Set PORT or --port to another one.`,
    EACCES: `This user must not listen on port ${port} of ${host}. Set PORT or --port to another one.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Set HOST or --host to another one.`,
  }
  const hint = hints[error.code ?? '']
  return hint === undefined ? error : new Error(hint, { cause: error })
}
