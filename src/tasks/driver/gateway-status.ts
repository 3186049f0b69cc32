import type { Clock } from '../../clock.js'
import type { GatewayNode, GatewayState, SubmitQueue } from '../task-store.js'
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
  /** The gateways on the database, and those that were lost within the last day, the oldest first. */
  readonly nodes: readonly NodeStatus[]
}

export interface NodeStatus extends Omit<GatewayNode, 'seenMono'> {
  /** Its latest sign of life. */
  readonly seenAt: number
  /** Whether it has given none for a while, so that its work is taken over. */
  readonly isLost: boolean
}

export interface GatewayStatusParts {
  store: Pick<SubmitQueue, 'counts' | 'oldestQueued'> & Pick<GatewayState, 'nodes'>
  upstream: Pick<Upstream, 'name'>
  submitter: Pick<Submitter, 'status'>
  statusPoller: Pick<StatusPoller, 'lastCheckedAt'>
  clock: Clock
}

/** Signs of life come every second on a database that gateways share, and every 10 s otherwise. */
const LOST_AFTER_MS = 30_000

export function createGatewayStatus({ store, upstream, submitter, statusPoller, clock }: GatewayStatusParts) {
  return async (): Promise<GatewayStatus> => {
    const { queued, submitting, unknown, submitted, processing } = await store.counts()
    return {
      upstream: upstream.name,
      submitQueue: await submitter.status(),
      queueDepth: queued,
      activeTasks: submitting + unknown + submitted + processing,
      oldestQueuedAt: (await store.oldestQueued())?.queuedAt ?? null,
      lastCheckedAt: statusPoller.lastCheckedAt(),
      nodes: (await store.nodes()).map(statusOfNode),
    }
  }

  function statusOfNode({ seenMono, ...node }: GatewayNode): NodeStatus {
    const silentMs = Math.max(clock.monotonic() - seenMono, 0)
    return { ...node, seenAt: clock.now() - silentMs, isLost: silentMs > LOST_AFTER_MS }
  }
}
