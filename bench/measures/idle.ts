import { setTimeout as sleep } from 'node:timers/promises'
import { openFollowers } from '../follower-sockets.js'
import type { StartMeasure } from './measure.js'

const SETTLE_MS = 1_000
/** Opened and closed before, so that code and buffers which are needed once do not count. */
const FIRST = 200

/** The resident memory of an idle follower: a WebSocket with one subscription. In a server that has done nothing else. */
export const idle: StartMeasure = {
  name: 'idle',
  once: true,
  async run(contestant, { idleFollowers: count }) {
    await using server = await contestant.run()
    const { process, activeIds } = server
    const first = await openFollowers(process.url, Math.min(FIRST, count), activeIds)
    first[Symbol.dispose]()
    await sleep(SETTLE_MS)
    const before = await process.usageCollected()
    using _followers = await openFollowers(process.url, count, activeIds)
    await sleep(SETTLE_MS)
    const after = await process.usageCollected()
    return {
      kbPerFollower: (after.residentBytes - before.residentBytes) / 1_000 / count,
      mb: after.residentBytes / 1e6,
    }
  },
}
