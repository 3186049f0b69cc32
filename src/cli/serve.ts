import { once } from 'node:events'
import { systemClock } from '../clock.js'
import { composeGateway } from '../compose-gateway.js'
import { ConfigError, configFromEnv, type GatewayOptions, isExposed } from '../config.js'
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
  await running.gateway.listen().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${config.port} of ${config.host} is in use. Set PORT or --port to another one.`)
  })
  if (!interrupt.aborted) await once(interrupt, 'abort')
  log.info({ signal: interrupt.reason }, 'shutting down')
  setTimeout(() => {
    log.error('shutdown cut short')
    process.exit(1)
  }, SHUTDOWN_MS).unref()
}

async function openGateway(config: ReturnType<typeof configFromEnv>, log: ReturnType<typeof createLog>) {
  const { gateway } = await composeGateway(config, { clock: systemClock, random: Math.random, log }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error
      throw new Error(`${error.path ?? config.dataDir} cannot be written. Set DATA_DIR to a folder that can.`)
    },
  )
  return { gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}
