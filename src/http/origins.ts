import type { IncomingHttpHeaders } from 'node:http'
import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import { hostnameOf, isLoopback } from '../net/address.js'
import { createRateWindow } from '../rate-window.js'

/** Decides which web pages may use the gateway from a browser. */
export interface Origins {
  /** Whether a request that names this origin is allowed; requests that name none come from no page of another site. */
  allows(headers: IncomingHttpHeaders): Promise<boolean>
  /**
   * Whether a browser sent the request for a page that is not allowed. For requests without a credential, which a page can
   * send without being able to read the response.
   */
  isForeignPage(headers: IncomingHttpHeaders): Promise<boolean>
}

export interface OriginsParts {
  /** Origins of web pages that are allowed, beside the gateway's own. */
  readonly listed: readonly string[]
  /** Whether requests without a credential are accepted. Pages of the same machine are then allowed as well. */
  readonly isOpen: () => Promise<boolean>
  readonly clock: Clock
  readonly log: Logger
}

/** Each rejected origin is logged once in this time; further origins than the limit below are not logged. */
const LOG_WINDOW_MS = 60_000
const LOGGED_ORIGINS = 20
/** The key of their sum; no origin is empty. */
const ALL = ''

export function createOrigins({ listed, isOpen, clock, log }: OriginsParts): Origins {
  const logged = createRateWindow(clock, LOG_WINDOW_MS)

  function logRefusal(origin: string): void {
    if (logged.sum(ALL) >= LOGGED_ORIGINS || logged.add(origin, 1) > 1) return
    logged.add(ALL, 1)
    log.warn({ origin }, 'request from a web page rejected; add its origin to CORS_ORIGINS (corsOrigins) to allow it')
  }

  async function isAllowed(origin: string, host: string | undefined): Promise<boolean> {
    if (listed.includes(origin)) return true
    if (!URL.canParse(origin)) return false
    const { host: originHost } = new URL(origin)
    return originHost === host || (isLoopback(hostnameOf(origin)) && (await isOpen()))
  }

  async function allows({ origin, host }: IncomingHttpHeaders): Promise<boolean> {
    if (origin === undefined) return true
    const isAllowedOrigin = await isAllowed(origin, host)
    if (!isAllowedOrigin) logRefusal(origin.slice(0, 200) || 'null')
    return isAllowedOrigin
  }

  return {
    allows,
    async isForeignPage(headers) {
      if (headers.origin !== undefined) return !(await allows(headers))
      return headers['sec-fetch-site'] === 'cross-site'
    },
  }
}
