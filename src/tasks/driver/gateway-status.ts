import type { SubmitQueue } from '../task-store.js'
import type { StatusPoller } from './status-poller.js'
import type { SubmitQueueStatus, Submitter } from './submitter.js'
import type { Upstream } from './upstream.js'

/** The state of the gateway as a whole. Times are milliseconds since the Unix epoch. */
export interface GatewayStatus {
  /** The name of the upstream. */
  readonly upstream: string
  readonly submitQueue: SubmitQueueStatus
  /** Tasks that wait to be submitted. */
  readonly queueDepth: number
  /** Tasks that were submitted and have not ended. */
  readonly activeTasks: number
  /** Since when the oldest queued task has been queued. */
  readonly oldestQueuedAt: number | null
  /** When the upstream last answered a status check; null: not since the start. */
  readonly lastCheckedAt: number | null
}

export interface GatewayStatusParts {
  store: Pick<SubmitQueue, 'counts' | 'oldestQueued'>
  upstream: Pick<Upstream, 'name'>
  submitter: Pick<Submitter, 'status'>
  statusPoller: Pick<StatusPoller, 'lastCheckedAt'>
}

export function createGatewayStatus({ store, upstream, submitter, statusPoller }: GatewayStatusParts) {
  return async (): Promise<GatewayStatus> => {
    const { queued, submitting, unknown, submitted, processing } = await store.counts()
    return {
      upstream: upstream.name,
      submitQueue: await submitter.status(),
      queueDepth: queued,
      activeTasks: submitting + unknown + submitted + processing,
      oldestQueuedAt: (await store.oldestQueued())?.queuedAt ?? null,
      lastCheckedAt: statusPoller.lastCheckedAt(),
    }
  }
}
