import { describe, expect, test } from 'vitest'
import { checkExposure } from '../../src/auth/anonymous-access.js'
import { configFromEnv } from '../../src/config.js'
import { createLog } from '../../src/log.js'

const SECRET = 'a secret of the platform, of 32 bytes or more'
const ISSUER = { JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'lipsync' }
describe('options', () => {
  test('a token issuer is configured by its URL or its secret', () => {
    const common = { issuer: 'https://id.example', audience: 'lipsync', callerClaim: 'sub', scopeClaim: 'scope' }
    expect(configFromEnv({}).jwt).toBeNull()
    expect(configFromEnv({ ...ISSUER, JWT_SECRET: SECRET }).jwt).toEqual({
      ...common,
      key: { secret: SECRET },
    })
    const env = {
      ...ISSUER,
      JWT_JWKS_URL: 'https://id.example/jwks',
      JWT_CALLER_CLAIM: 'tenant',
      JWT_SCOPE_CLAIM: 'roles',
    }
    expect(configFromEnv(env).jwt).toEqual({
      ...common,
      key: { jwksUrl: 'https://id.example/jwks' },
      callerClaim: 'tenant',
      scopeClaim: 'roles',
    })
  })

  test('rejects options that contradict each other, without revealing a secret', () => {
    const url = { JWT_JWKS_URL: 'https://id.example/jwks' }
    expect(mistakesOf({ ...ISSUER, ...url, JWT_SECRET: SECRET })).toEqual([
      'JWT_SECRET: cannot be combined with JWT_JWKS_URL',
    ])
    expect(mistakesOf(url)).toEqual([
      'JWT_ISSUER: is required with JWT_JWKS_URL',
      'JWT_AUDIENCE: is required with JWT_JWKS_URL',
    ])
    expect(mistakesOf({ JWT_SECRET: SECRET, JWT_ISSUER: 'i' })).toEqual(['JWT_AUDIENCE: is required with JWT_SECRET'])
    expect(mistakesOf(ISSUER)).toEqual(['JWT_ISSUER: has no effect without JWT_JWKS_URL or JWT_SECRET'])
    expect(mistakesOf({ ...ISSUER, JWT_SECRET: 'x'.repeat(31) })).toEqual(['JWT_SECRET: must be at least 32 bytes'])
    expect(mistakesOf({ ...ISSUER, JWT_SECRET: 'ü'.repeat(16) })).toEqual([])
    expect(mistakesOf({ AUTH: 'closed', EXPLORER: 'yes', LIMIT_SOCKETS: '-1' })).toEqual([
      'AUTH: must be one of open',
      'EXPLORER: must be true or false',
      'LIMIT_SOCKETS: must be a whole number from 0 to 1000000',
    ])
  })

  test('every limit but the budget has a default', () => {
    expect(configFromEnv({}).callerLimits).toEqual({
      createsPerMinute: 60,
      waitingTasks: 500,
      sockets: 50,
      subscriptions: 200,
      monthlyCredits: null,
      uploadBytes: 5_000_000_000,
    })
    const env = { LIMIT_CREATES_PER_MINUTE: '0', LIMIT_MONTHLY_CREDITS: '25' }
    expect(configFromEnv(env).callerLimits).toMatchObject({ createsPerMinute: 0, monthlyCredits: 25 })
  })

  test('the explorer is on until it is switched off', () => {
    expect([{}, { EXPLORER: 'true' }, { EXPLORER: 'false' }].map(env => configFromEnv(env).explorer)).toEqual([
      true,
      true,
      false,
    ])
  })

  test('no log line contains the secret of the tokens', () => {
    const lines: string[] = []
    const config = configFromEnv({ ...ISSUER, JWT_SECRET: SECRET })
    const log = createLog('info', { write: line => void lines.push(line) })
    log.info(config)
    log.info({ config })
    log.info({ token: 'a.b.c', headers: { authorization: 'Bearer a.b.c', 'x-api-key': 'a.b.c' } })
    expect(lines).toHaveLength(3)
    expect(lines.join()).not.toMatch(/a secret of|a\.b\.c/)
  })
})

describe('open only where it is safe', () => {
  const judge = (host: string, mode: 'open' | null = null, isOpen = true) =>
    checkExposure({ hosts: [host], mode, isOpen })
  const FINE = { startError: null, warning: null }

  test('on a loopback address a gateway may be open', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
      expect(judge(host)).toEqual(FINE)
    }
  })

  test('rejects an exposed address, and names every remedy', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'gateway.example', 'localhost.example', '']) {
      const { startError, warning } = judge(host)
      expect(warning).toBeNull()
      expect(startError).toContain(`${host} can be reached from other machines`)
      for (const way of ['lipsync-gateway keys create', 'JWT_JWKS_URL', 'HOST=127.0.0.1', 'AUTH=open'])
        expect(startError).toContain(way)
    }
  })

  test('AUTH=open always causes a warning', () => {
    for (const host of ['0.0.0.0', '127.0.0.1'])
      expect(judge(host, 'open')).toEqual({ startError: null, warning: expect.stringContaining('AUTH=open') })
  })

  test('a closed gateway may listen anywhere', () => {
    expect(judge('0.0.0.0', null, false)).toEqual(FINE)
  })
})

function mistakesOf(env: Record<string, string>): string[] {
  try {
    configFromEnv(env)
    return []
  } catch (thrown) {
    return (thrown as Error).message.split('\n  ').slice(1)
  }
}
