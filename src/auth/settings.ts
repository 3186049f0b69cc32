import type { Config } from '../config.js'
import type { CallerLimits } from '../tasks/caller.js'
import type { JwtSettings } from './platform-token.js'

type JwtOptions = Pick<
  Config,
  'jwtJwksUrl' | 'jwtSecret' | 'jwtIssuer' | 'jwtAudience' | 'jwtCallerClaim' | 'jwtScopeClaim'
>
type LimitOptions = Pick<
  Config,
  'limitCreatesPerMinute' | 'limitWaitingTasks' | 'limitSockets' | 'limitSubscriptions' | 'limitMonthlyCredits'
>

/** Returns the platform's token issuer; null when none is configured. */
export function jwtSettings(config: JwtOptions): JwtSettings | null {
  const { jwtJwksUrl, jwtSecret, jwtIssuer = '', jwtAudience = '', jwtCallerClaim, jwtScopeClaim } = config
  const key = jwtJwksUrl ? { jwksUrl: jwtJwksUrl } : jwtSecret ? { secret: jwtSecret } : null
  return (
    key && { key, issuer: jwtIssuer, audience: jwtAudience, callerClaim: jwtCallerClaim, scopeClaim: jwtScopeClaim }
  )
}

/** Returns the limits of a caller whose key sets no others. */
export function callerLimits(config: LimitOptions): CallerLimits {
  return {
    createsPerMinute: config.limitCreatesPerMinute,
    waitingTasks: config.limitWaitingTasks,
    sockets: config.limitSockets,
    subscriptions: config.limitSubscriptions,
    monthlyCredits: config.limitMonthlyCredits ?? null,
  }
}
