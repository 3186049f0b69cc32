import type { Clock } from '../clock.js'
import { isLoopback } from '../net/address.js'
import type { KeyStore } from './ports.js'

/** Whether those who bring no credential are let in, and how that is decided. */
export interface OpennessParts {
  readonly keys: Pick<KeyStore, 'everCreated'>
  readonly clock: Clock
  /** `open`: whatever else is configured. */
  readonly mode: 'open' | null
  /** Whether the tokens of an issuer are taken. */
  readonly hasIssuer: boolean
}

/** How old the answer of the store may be: the first key closes a gateway that runs in another process. */
const FRESH_MS = 500

/** Answers whether the gateway is open. A closed one stays closed, for no key is ever deleted. */
export const createAnonymousAccess = ({ keys, clock, mode, hasIssuer }: OpennessParts): (() => Promise<boolean>) => {
  let isClosed = false
  let lookedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (mode === 'open') return true
    if (hasIssuer) return false
    if (!isClosed && clock.now() - lookedAt >= FRESH_MS) {
      const wasCreated = await keys.everCreated()
      isClosed ||= wasCreated
      lookedAt = clock.now()
    }
    return !isClosed
  }
}

/** What is to be said before a gateway is reached: a reason not to start, or a warning. */
export const checkExposure = ({
  hosts,
  mode,
  isOpen,
}: {
  /** Where it can be reached: the address to listen on, the host of its public URL. */
  hosts: readonly string[]
  mode: 'open' | null
  isOpen: boolean
}): { readonly refusal: string | null; readonly warning: string | null } => {
  const reachable = hosts.filter(host => !isLoopback(host))
  const others = reachable.join(' and ')
  if (!isOpen || reachable.length === 0) return { refusal: null, warning: null }
  if (mode === 'open') return { refusal: null, warning: `AUTH=open: whoever reaches ${others} may do everything` }
  return { refusal: REFUSAL(others), warning: null }
}

const REFUSAL = (
  hosts: string,
) => `${hosts} can be reached by others, and nobody is asked who they are. Do one of these:
  lipsync-gateway keys create NAME   makes an API key, and asks every caller for one from then on
  JWT_JWKS_URL or JWT_SECRET         takes the tokens of your own issuer (with JWT_ISSUER and JWT_AUDIENCE)
  HOST=127.0.0.1, no PUBLIC_URL      answers this machine only
  AUTH=open                          lets everybody in all the same`
