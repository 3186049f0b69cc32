/** A gateway that is there to be killed: composed like every other, on a database file and with an accelerated clock. */
import { pino } from 'pino'
import { composeGateway } from '../../src/compose-gateway.js'
import { resolveConfig } from '../../src/config.js'
import { createAcceleratedClock, type TimeBase } from './accelerated-clock.js'
import { createDice } from './dice.js'
import { STALL_AFTER_MINUTES } from './plan.js'

export interface GatewaySettings {
  readonly time: TimeBase
  readonly seed: number
  /** How many gateways there were before on this database. */
  readonly life: number
  readonly port: number
  readonly database: string
  readonly joggUrl: string
  readonly joggKey: string
}

const run = async ({ time, seed, life, port, database, joggUrl, joggKey }: GatewaySettings) => {
  const config = resolveConfig({
    port,
    databaseUrl: `file:${database}`,
    upstream: 'jogg',
    jogg: { apiKey: joggKey, baseUrl: joggUrl },
    poll: { stallAfterMinutes: STALL_AFTER_MINUTES },
    logLevel: 'warn',
  })
  const { random } = createDice(seed)('gateway', life)
  const log = pino({ level: config.logLevel, base: { life } }, pino.destination({ sync: true }))
  const { gateway } = await composeGateway(config, { clock: createAcceleratedClock(time), log, random })
  process.once('SIGTERM', () => void gateway[Symbol.asyncDispose]().then(() => process.exit()))
  await gateway.listen()
  process.send?.('listening')
}

process.once('message', settings => void run(settings as GatewaySettings))
// Ctrl-C is for the run, which then ends this process in its own way.
process.on('SIGINT', () => {})
// Whoever started this process is gone, and with it the reason to be.
process.once('disconnect', () => process.exit())
process.send?.('loaded')
