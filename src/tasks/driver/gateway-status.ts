import type { TaskStore } from '../task-store.js'
import type { StatusPoller } from './status-poller.js'
import type { SubmitQueueStatus, Submitter } from './submitter.js'
import type { Upstream } from './upstream.js'

/** What an operator asks first. Times are milliseconds since the Unix epoch. */
export interface GatewayStatus {
  readonly upstream: string
  readonly submitQueue: SubmitQueueStatus
  /** Tasks that wait to be sent. */
  readonly queueDepth: number
  /** Tasks that were sent and have no end yet. */
  readonly activeTasks: number
  /** Since when the longest waiting task waits to be sent. */
  readonly oldestQueuedAt: number | null
  /** When the upstream last answered a look. */
  readonly lastCheckedAt: number | null
}

export const createGatewayStatus =
  (parts: { store: TaskStore; upstream: Upstream; submitter: Submitter; statusPoller: StatusPoller }) =>
  async (): Promise<GatewayStatus> => {
    const { store, upstream, submitter, statusPoller } = parts
    const counts = await store.counts()
    return {
      upstream: upstream.name,
      submitQueue: await submitter.status(),
      queueDepth: counts.queued,
      activeTasks: counts.submitting + counts.unknown + counts.submitted + counts.processing,
      oldestQueuedAt: (await store.oldestQueued())?.queuedAt ?? null,
      lastCheckedAt: statusPoller.lastCheckedAt(),
    }
  }
