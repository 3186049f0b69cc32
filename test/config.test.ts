import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import { generatedFiles } from '../scripts/generated-files.js'
import { unknownVariables } from '../src/cli/unknown-variables.js'
import { listVariables } from '../src/cli/variables.js'
import { ConfigError, configFromEnv, type GatewayOptions, resolveConfig } from '../src/config.js'
import { OPTIONS } from '../src/option-groups.js'
import type { optionsSchema } from '../src/options.js'

/** The lines of the error that reading a configuration throws; none when it does not. */
function mistakesOf(read: () => unknown): string[] {
  try {
    read()
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    const [title, ...mistakes] = thrown.message.split('\n')
    expect(title).toBe('The configuration is wrong:')
    return mistakes.map(mistake => mistake.trim())
  }
  return []
}

describe('the environment', () => {
  test('without any variable: the engine, on loopback, in ./data', () => {
    expect(configFromEnv({ PATH: '/bin' })).toMatchObject({
      host: '127.0.0.1',
      port: 4_000,
      dataDir: resolve('data'),
      databaseUrl: `file:${resolve('data/gateway.db')}`,
      upstream: 'engine',
      isUpstreamChosen: false,
      jogg: { apiKey: null, baseUrl: 'https://api.jogg.ai' },
      jwt: null,
      corsOrigins: [],
      logLevel: 'info',
    })
  })

  test('a variable is read as the type of its option', () => {
    const env = {
      PORT: ' 0 ',
      DATA_DIR: '/srv/lipsync',
      CORS_ORIGINS: 'https://a.example, http://localhost:3000,',
      EXPLORER: 'false',
      WS_MAX_CONNECTIONS: '5',
    }
    expect(configFromEnv(env)).toMatchObject({
      port: 0,
      databaseUrl: 'file:/srv/lipsync/gateway.db',
      corsOrigins: ['https://a.example', 'http://localhost:3000'],
      explorer: false,
      webSocket: { maxConnections: 5, maxOperations: 100 },
    })
  })

  test('an empty variable counts as unset', () => {
    const empty = Object.fromEntries(OPTIONS.map(({ variable }, index) => [variable, index % 2 ? '' : ' ']))
    expect(configFromEnv(empty)).toEqual(configFromEnv({}))
  })

  test('flags of the command line override variables', () => {
    expect(configFromEnv({ PORT: '1', HOST: '::1' }, { port: 2 })).toMatchObject({ port: 2, host: '::1' })
  })

  test('a JoggAI key selects JoggAI, unless the engine is named', () => {
    expect(configFromEnv({ JOGG_API_KEY: 'k' }).upstream).toBe('jogg')
    expect(configFromEnv({ JOGG_API_KEY: 'k', UPSTREAM: 'engine' }).upstream).toBe('engine')
  })

  test('variables that begin like one of the gateway are reported with the nearest name', () => {
    const env = {
      JOGG_APIKEY: 'k',
      LIMIT_WEBSOCKETS_OF_ALL: '1',
      WSL_DISTRO: 'x',
      PORT: '1',
      HOME: '/',
      POLL_MIN_MS: '1',
    }
    expect(unknownVariables(env).map(({ message }) => message)).toEqual([
      'JOGG_APIKEY is not a variable of the gateway. Did you mean JOGG_API_KEY?',
      'LIMIT_WEBSOCKETS_OF_ALL is not a variable of the gateway, although it begins like one. It is ignored.',
    ])
  })
})

describe('mistakes', () => {
  test('are reported all at once, by the names of the variables and without their values', () => {
    const env = {
      PORT: '0x1F',
      POLL_MIN_MS: '1.5',
      UPSTREAM: 'other',
      DATABASE_URL: 'mysql://user:secret@db/x',
      PUBLIC_URL: 'gateway.example',
      JOGG_BASE_URL: 'ftp://secret',
      CORS_ORIGINS: 'https://a.example/, *',
      MEDIA_ALLOWED_HOSTS: 'media.lan:8080, *',
      WS_MAX_CONNECTIONS: '0',
      LOG_LEVEL: 'loud',
    }
    expect(mistakesOf(() => configFromEnv(env)).sort()).toEqual(
      [
        'PORT: must be a whole number from 0 to 65535',
        'DATABASE_URL: must be file: and a path, :memory:, or postgres://…',
        'UPSTREAM: must be one of jogg, engine, or an Upstream',
        'JOGG_BASE_URL: must be an http or https URL, such as https://example.com',
        'PUBLIC_URL: must be an http or https URL, such as https://example.com',
        'POLL_MIN_MS: must be a whole number from 1 to 3600000',
        'CORS_ORIGINS: must be origins, such as https://example.com',
        'MEDIA_ALLOWED_HOSTS: must be hosts as in a URL: name, name:port or [::1]',
        'WS_MAX_CONNECTIONS: must be a whole number from 1 to 1000000',
        'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
      ].sort(),
    )
  })

  test('include contradictions between values that are right by themselves', () => {
    expect(mistakesOf(() => configFromEnv({ UPSTREAM: 'jogg', POLL_MIN_MS: '20000', PORT: '-1' }))).toEqual([
      'PORT: must be a whole number from 0 to 65535',
      'JOGG_API_KEY: is required for upstream jogg',
      'POLL_MIN_MS: is greater than POLL_MAX_MS',
    ])
  })

  test('name the options of an embedding app by their paths', () => {
    const options = { poll: { maxMs: 1, frstMs: 2 }, port: '80', databseUrl: ':memory:' } as unknown as GatewayOptions
    expect(mistakesOf(() => resolveConfig(options)).sort()).toEqual([
      'databseUrl: is not an option',
      'poll.frstMs: is not an option',
      'poll.minMs: is greater than poll.maxMs',
      'port: must be a whole number from 0 to 65535',
    ])
  })

  test.each([{ HOST: '0.0.0.0' }, { PUBLIC_URL: 'https://gateway.example' }])(
    'a gateway reachable from other machines (%o) needs an upstream',
    env => {
      expect(mistakesOf(() => configFromEnv(env))).toEqual([
        expect.stringMatching(/^UPSTREAM: is required .*JOGG_API_KEY/),
      ])
      for (const choice of [{ UPSTREAM: 'engine' }, { JOGG_API_KEY: 'k' }])
        expect(mistakesOf(() => configFromEnv({ ...env, ...choice }))).toEqual([])
    },
  )
})

describe('the documentation', () => {
  test.each([...generatedFiles()])('%s is what `npm run docs` writes', (name, text) => {
    expect(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')).toBe(text)
  })

  test('the type of the options is the one that the schema accepts', () => {
    expectTypeOf<GatewayOptions>().toExtend<z.input<typeof optionsSchema>>()
    expectTypeOf<z.input<typeof optionsSchema>>().toExtend<GatewayOptions>()
    expectTypeOf<keyof GatewayOptions>().toEqualTypeOf<keyof z.input<typeof optionsSchema>>()
  })

  test('every variable has a name of its own', () => {
    const names = listVariables().map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('MEDIA_ALLOWED_HOSTS')
    expect(names).toContain('JWT_JWKS_URL')
  })
})
