import type { Logger } from 'pino'
import type { Readiness } from './http/router.js'
import type { Poller } from './poller.js'
import type { Submitter } from './tasks/driver/submitter.js'
import type { Upstream } from './tasks/driver/upstream.js'
import type { TaskStore } from './tasks/task-store.js'

export interface ReadinessParts {
  store: TaskStore
  upstream: Upstream
  submitter: Submitter
  /** Empty until the start. */
  pollers: readonly Poller[]
  log: Logger
}

/** Whether the gateway can do its work. An upstream out of order is told, and no reason to send callers away. */
export const createReadiness = ({ store, upstream, submitter, pollers, log }: ReadinessParts) => {
  const problemOfStore = () =>
    store.check().then(
      () => null,
      thrown => {
        log.error({ err: thrown }, 'the store cannot be written')
        return 'cannot be written'
      },
    )
  const problemOfPollers = () => {
    if (pollers.length === 0) return 'not started'
    return pollers.some(poller => poller.problem() !== null) ? 'in trouble, see the log' : null
  }
  return async (): Promise<Readiness> => {
    const storeProblem = await problemOfStore()
    const pollerProblem = problemOfPollers()
    const { state, reason } = await submitter.status().catch(() => ({ state: 'OPEN', reason: null }))
    return {
      ready: !storeProblem && !pollerProblem,
      checks: {
        store: storeProblem ?? 'ok',
        poller: pollerProblem ?? 'ok',
        upstream: state === 'PAUSED' ? `${upstream.name}: submits are held: ${reason}` : `${upstream.name}: ok`,
      },
    }
  }
}
