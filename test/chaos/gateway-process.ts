/** A gateway made to be killed: composed like every other, on a database file, with an accelerated clock. */
import './disk-faults.js'
import { pino } from 'pino'
import { composeGateway } from '../../src/compose-gateway.js'
import { resolveConfig } from '../../src/config.js'
import { createAcceleratedClock, type TimeBase } from './accelerated-clock.js'
import { createDice } from './dice.js'
import { setDiskFull, setFlushDelay } from './disk-faults.js'
import { STALL_AFTER_MINUTES } from './plan.js'

export interface GatewaySettings {
  readonly time: TimeBase
  readonly wallOffsetMs: number
  readonly seed: number
  /** The number of gateways that were started before. */
  readonly start: number
  readonly port: number
  readonly databaseUrl: string
  readonly joggUrl: string
  readonly joggKey: string
}

/** What the running process is told. */
export interface GatewayOrder {
  readonly wallOffsetMs?: number
  readonly diskFull?: boolean
  readonly flushDelayMs?: number
}

/** What the process reports. */
export type GatewayReport = 'loaded' | 'listening' | { readonly failed: string }

process.once('message', settings => {
  run(settings as GatewaySettings).catch((thrown: Error) => {
    process.send?.({ failed: thrown.message } satisfies GatewayReport, () => process.exit(1))
  })
})
// Ctrl-C is for the run, which then ends this process in its own way.
process.on('SIGINT', () => {})
// The process that started this one is gone.
process.once('disconnect', () => process.exit())
process.send?.('loaded' satisfies GatewayReport)

async function run(settings: GatewaySettings) {
  const { time, wallOffsetMs, seed, start, port, databaseUrl, joggUrl, joggKey } = settings
  const config = resolveConfig({
    port,
    databaseUrl,
    upstream: 'jogg',
    jogg: { apiKey: joggKey, baseUrl: joggUrl },
    poll: { stallAfterMinutes: STALL_AFTER_MINUTES },
    logLevel: 'warn',
  })
  const { random } = createDice(seed)('gateway', start)
  const log = pino({ level: config.logLevel, base: { start } }, pino.destination({ sync: true }))
  const clock = createAcceleratedClock(time, wallOffsetMs)
  process.on('message', message => obey(message as GatewayOrder, clock.setWallOffset))
  const { gateway } = await composeGateway(config, { clock, log, random })
  process.once('SIGTERM', () => void gateway[Symbol.asyncDispose]().then(() => process.exit()))
  await gateway.listen()
  process.send?.('listening' satisfies GatewayReport)
}

function obey({ wallOffsetMs, diskFull, flushDelayMs }: GatewayOrder, setWallOffset: (ms: number) => void) {
  if (wallOffsetMs !== undefined) setWallOffset(wallOffsetMs)
  if (diskFull !== undefined) setDiskFull(diskFull)
  if (flushDelayMs !== undefined) setFlushDelay(flushDelayMs)
}
