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

/** The platform's token issuer; null when none is configured. */
export const jwtSettings = (config: JwtOptions): JwtSettings | null => {
  const { jwtJwksUrl, jwtSecret, jwtIssuer = '', jwtAudience = '', jwtCallerClaim, jwtScopeClaim } = config
  const key = jwtJwksUrl ? { jwksUrl: jwtJwksUrl } : jwtSecret ? { secret: jwtSecret } : null
  return (
    key && { key, issuer: jwtIssuer, audience: jwtAudience, callerClaim: jwtCallerClaim, scopeClaim: jwtScopeClaim }
  )
}

/** What each caller may use, unless its key says otherwise. */
export const callerLimits = (config: LimitOptions): CallerLimits => ({
  createsPerMinute: config.limitCreatesPerMinute,
  waitingTasks: config.limitWaitingTasks,
  sockets: config.limitSockets,
  subscriptions: config.limitSubscriptions,
  monthlyCredits: config.limitMonthlyCredits ?? null,
})
