import type { Lane, LaneStatus } from './lane.js'
import type { TaskStore, Upstream } from './ports.js'
import type { LookRound } from './round.js'

/** What an operator asks first. Times are milliseconds since the Unix epoch. */
export interface GatewayStatus {
  readonly upstream: string
  readonly lane: LaneStatus
  /** Tasks that wait to be sent. */
  readonly queueDepth: number
  /** Tasks that were sent and have no end yet. */
  readonly activeTasks: number
  /** Since when the longest waiting task waits to be sent. */
  readonly oldestQueuedAt: number | null
  /** When the upstream last answered a look. */
  readonly lastLookAt: number | null
}

export const createStatus =
  (parts: { store: TaskStore; upstream: Upstream; lane: Lane; looks: LookRound }) =>
  async (): Promise<GatewayStatus> => {
    const { store, upstream, lane, looks } = parts
    const { queued, active } = await store.counts()
    return {
      upstream: upstream.name,
      lane: await lane.status(),
      queueDepth: queued,
      activeTasks: active,
      oldestQueuedAt: await store.oldestQueuedAt(),
      lastLookAt: looks.lastLookAt(),
    }
  }
