import { once } from 'node:events'
import { systemClock } from '../clock.js'
import { configFromEnv } from '../config.js'
import { composeGateway } from '../gateway.js'
import { createLog } from '../log.js'
import { onInterrupt } from './interrupt.js'

/** How long a shutdown may take before it is cut short. */
const SHUTDOWN_MS = 4_800

/** Serves until a signal comes, then shuts down. */
export const serve = async (): Promise<void> => {
  const config = configFromEnv(process.env)
  const interrupt = onInterrupt()
  const log = createLog(config.logLevel)
  await using gateway = await composeGateway(config, { clock: systemClock, random: Math.random, log })
  await gateway.listen().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`${config.host} port ${config.port} is taken by another program; PORT chooses another.`)
  })
  if (!interrupt.aborted) await once(interrupt, 'abort')
  log.info({ signal: interrupt.reason }, 'shutting down')
  setTimeout(() => {
    log.error('shutdown cut short')
    process.exit(1)
  }, SHUTDOWN_MS).unref()
}
