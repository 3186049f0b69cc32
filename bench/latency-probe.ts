import { request } from 'undici'

const EVERY_MS = 20

/**
 * Asks `/health` every 20 ms, whether or not the last answer has come, and measures how long each takes. A blocked event
 * loop shows as the latency of every request that arrives meanwhile.
 */
export function startLatencyProbe(url: string) {
  const latencies: number[] = []
  const pending = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const began = performance.now()
    const asked: Promise<void> = request(`${url}/health`)
      .then(({ body }) => body.dump())
      .then(() => void latencies.push(performance.now() - began))
      .catch(() => void latencies.push(Number.POSITIVE_INFINITY))
      .finally(() => pending.delete(asked))
    pending.add(asked)
  }, EVERY_MS)
  return {
    /** Stops the probe and returns the latencies' quantiles, in milliseconds. */
    async stop() {
      clearInterval(timer)
      await Promise.all(pending)
      const sorted = latencies.sort((a, b) => a - b)
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
      return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
    },
  }
}
