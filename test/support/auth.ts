import fc from 'fast-check'
import { pino } from 'pino'
import type { Client } from '../../src/auth/anonymous-access.js'
import { createApiKey, hashSecret } from '../../src/auth/api-key.js'
import { type AuthenticatorParts, createAuthenticator } from '../../src/auth/authenticator.js'
import type { NewApiKey } from '../../src/auth/ports.js'
import { createKeyStore } from '../../src/store/keys.js'
import { openDatabase } from '../../src/store/sqlite/database.js'
import type { CallerLimits } from '../../src/tasks/caller.js'
import { createManualClock } from './manual-clock.js'

export const LIMITS: CallerLimits = {
  createsPerMinute: 60,
  waitingTasks: 500,
  sockets: 50,
  subscriptions: 200,
  monthlyCredits: null,
  uploadBytes: 5_000_000_000,
}

/** A client at an address that calls the gateway by a loopback name. */
export function from(address: string, headers: Client['headers'] = { host: 'localhost:4000' }): Client {
  return { address, headers }
}

/** Where most logins of the tests come from. */
export const HERE = from('127.0.0.1')

/** An authenticator on a store in memory and a manual clock. */
export function startAuth(parts: Partial<AuthenticatorParts> = {}) {
  const clock = createManualClock()
  const keys = createKeyStore(openDatabase(':memory:'))
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug', base: null }, { write: line => void lines.push(JSON.parse(line)) })
  const auth = createAuthenticator({
    keys,
    clock,
    log,
    mode: null,
    jwt: null,
    limits: LIMITS,
    ...parts,
  })

  const createKey = async (fields: Partial<NewApiKey> = {}) => {
    const { id, secret, text } = createApiKey()
    const made = { id, hash: hashSecret(secret), caller: 'acme', limits: {}, createdAt: clock.now(), expiresAt: null }
    await keys.create({ ...made, scopes: ['read', 'create'], ...fields })
    return { id, secret, text }
  }
  /** The error of a login that fails: its code, message and what else it says. */
  const refusal = (credential: string | null, client = HERE) =>
    auth.authenticate(credential, client).then(
      () => null,
      ({ code, message, details }) => ({ code, message, ...details }),
    )
  return { auth, keys, clock, lines, createKey, refusal }
}

export const NOT_VALID = { code: 'UNAUTHENTICATED', message: 'The credential is not valid.' }
export const EXPIRED = { code: 'UNAUTHENTICATED', message: 'The credential has expired.', expired: true }

/** Texts of any UTF-16, well-formed or not. (fast-check's own `binary` takes seconds to begin.) */
export function anyText(size: { minLength?: number } = {}) {
  return fc.string({ ...size, unit: fc.nat(0xffff).map(code => String.fromCharCode(code)) })
}
