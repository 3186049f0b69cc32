import type { Logger } from 'pino'
import type { Clock } from './clock.js'
import type { Poller } from './poller.js'
import type { Submitter } from './tasks/driver/submitter.js'
import type { UpstreamErrorKind } from './tasks/driver/upstream.js'
import type { TaskStore } from './tasks/task-store.js'

/**
 * Whether the gateway can do its work, and the state of each part. The states are a closed list and hold no text of the
 * upstream: reasons are in the log and in the API for admins.
 */
export interface Readiness {
  readonly ready: boolean
  readonly checks: ReadinessChecks
}

export interface ReadinessChecks {
  readonly store: 'ok' | 'unavailable'
  readonly pollers: Readonly<Record<string, 'ok' | 'failing'>> | 'not started'
  /** While submits are paused for a reason that no single task causes: the kind of that reason. Tasks are still accepted. */
  readonly upstream: 'ok' | 'unknown' | `paused: ${UpstreamErrorKind}`
}

export interface ReadinessParts {
  store: Pick<TaskStore, 'check'>
  submitter: Pick<Submitter, 'status'>
  /** By name; empty until the start. */
  pollers: ReadonlyMap<string, Pick<Poller, 'problem'>>
  clock: Clock
  log: Logger
}

/** How long a result is shared, so that frequent requests do not check the parts more often. */
const FRESH_MS = 1_000

export function createReadiness(parts: ReadinessParts): () => Promise<Readiness> {
  const { store, submitter, pollers, clock, log } = parts
  let checkedAt = Number.NEGATIVE_INFINITY
  let latest: Promise<Readiness> | null = null

  async function checkStore(): Promise<ReadinessChecks['store']> {
    try {
      await store.check()
      return 'ok'
    } catch (thrown) {
      log.error({ err: thrown }, 'the store cannot be written')
      return 'unavailable'
    }
  }

  function checkPollers(): ReadinessChecks['pollers'] {
    if (pollers.size === 0) return 'not started'
    return Object.fromEntries([...pollers].map(([name, poller]) => [name, poller.problem() ? 'failing' : 'ok']))
  }

  async function checkUpstream(): Promise<ReadinessChecks['upstream']> {
    try {
      const { state, kind } = await submitter.status()
      return state === 'PAUSED' ? `paused: ${kind}` : 'ok'
    } catch (thrown) {
      log.error({ err: thrown }, 'the state of the submit queue cannot be read')
      return 'unknown'
    }
  }

  async function check(): Promise<Readiness> {
    const [storeState, upstreamState] = await Promise.all([checkStore(), checkUpstream()])
    const checks = { store: storeState, pollers: checkPollers(), upstream: upstreamState }
    return { ready: isReady(checks), checks }
  }

  return () => {
    if (!latest || clock.monotonic() - checkedAt >= FRESH_MS) {
      checkedAt = clock.monotonic()
      latest = check()
    }
    return latest
  }
}

function isReady({ store, pollers }: ReadinessChecks): boolean {
  return store === 'ok' && pollers !== 'not started' && !Object.values(pollers).includes('failing')
}
