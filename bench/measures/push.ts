import { setTimeout as sleep } from 'node:timers/promises'
import { openFollowers } from '../follower-sockets.js'
import { quantile, wallClock } from '../statistics.js'
import type { Measure } from './measure.js'

const TIMEOUT_MS = 30_000
/** Time in which the server puts away the followers of the round. */
const REST_MS = 500

/**
 * One change of a task until each of its followers has it. The latency begins when the change can be known: for the
 * gateway at the response to the status check that reports it, for a peer at the mutation that makes it.
 */
export const push: Measure = {
  name: 'push',
  async run({ process, nextChange }, { followers: count }) {
    const { id, begin } = nextChange()
    const arrivals: number[] = []
    let before: Awaited<ReturnType<typeof process.usage>>
    let at: number
    {
      using followers = await openFollowers(process.url, count, [id])
      const arrived = new Promise<void>((resolve, reject) => {
        const timeout = setTimeout(() => reject(new Error(`${arrivals.length} of ${count} arrived.`)), TIMEOUT_MS)
        followers.onEvent(() => {
          if (arrivals.push(wallClock()) < count) return
          clearTimeout(timeout)
          resolve()
        })
      })
      before = await process.usage()
      ;[at] = await Promise.all([begin(), arrived])
    }
    const after = await process.usage()
    await sleep(REST_MS)
    const latencies = arrivals.map(arrival => arrival - at)
    return {
      cpu: (after.cpuMicros - before.cpuMicros) / count,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
    }
  },
}
