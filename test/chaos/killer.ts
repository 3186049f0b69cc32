import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../src/clock.js'
import type { RollDice } from './dice.js'
import type { GatewayHost } from './gateway-host.js'
import type { Moment, Moments } from './moments.js'

/** What is done to the gateway: killed with -9, suspended for a while, or asked to go. */
const WAYS = { kill: 8, freeze: 1, stop: 1 } as const
const MOMENTS = { create: 2, submit: 4, accepted: 5, find: 2, status: 1, any: 3 } as const satisfies Record<
  Moment | 'any',
  number
>
const AT_MOST_MS = 1_000

export type Blows = Record<keyof typeof WAYS, number>

/** Strikes the gateway again and again, mostly in the middle of something, and brings it back. */
export const harass = async (parts: {
  host: GatewayHost
  clock: Clock
  roll: RollDice
  moments: Moments
  kills: number
  stopping: AbortSignal
}): Promise<Blows> => {
  const { host, clock, roll, moments, kills, stopping } = parts
  const blows: Blows = { kill: 0, freeze: 0, stop: 0 }
  for (let ordinal = 0; blows.kill < kills && !stopping.aborted; ordinal++) {
    const dice = roll('blow', ordinal)
    const way = dice.pick(WAYS)
    const moment = dice.pick(MOMENTS)
    await sleep(dice.between(100, 700))
    if (moment !== 'any') await moments.next(moment, AT_MOST_MS)
    // Often at once: a moment later its answer has arrived.
    if (dice.chance(0.3)) await clock.sleep(dice.between(0, 1_000), stopping)
    if (stopping.aborted) break
    blows[way]++
    if (way === 'freeze') {
      host.freeze()
      await clock.sleep(dice.between(2_000, 30_000), stopping)
      host.thaw()
      continue
    }
    await host[way]()
    if (dice.chance(0.5)) await clock.sleep(dice.between(0, 20_000), stopping)
    await host.start()
  }
  return blows
}
