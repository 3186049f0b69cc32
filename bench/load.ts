import type { ServerProcess } from './server-process.js'
import { quantile } from './statistics.js'

/** The figures of one measure, by name. */
export type Figures = Readonly<Record<string, number>>

/** How long calls take, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** What `count` calls cost the server, and how long they take: `concurrency` callers, each with one call at a time. */
export async function measureCalls(
  process: ServerProcess,
  count: number,
  concurrency: number,
  call: (index: number) => Promise<unknown>,
) {
  const before = await process.usage()
  const began = performance.now()
  const latency = await callAll(count, concurrency, call)
  const seconds = (performance.now() - began) / 1_000
  const after = await process.usage()
  return { cpu: (after.cpuMicros - before.cpuMicros) / count, perSecond: count / seconds, ...latency }
}

export async function callAll(
  count: number,
  concurrency: number,
  call: (index: number) => Promise<unknown>,
): Promise<Latency> {
  const latencies: number[] = []
  let next = 0
  async function caller(): Promise<void> {
    while (next < count) {
      const began = performance.now()
      await call(next++)
      latencies.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }
}
