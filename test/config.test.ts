import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readVariables } from '../src/cli/variables.js'
import { ConfigError, configFromEnv, OPTIONS, resolveConfig, toVariable } from '../src/config.js'
import type { GatewayOptions } from '../src/options.js'

const mistakesOf = (read: () => unknown): string[] => {
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

const isInWords = (value: string) => value === 'none' || /[ `]/.test(value)

test('without any variable the gateway uses the built-in engine, on loopback and in ./data', () => {
  expect(configFromEnv({ PATH: '/bin' })).toMatchObject({
    host: '127.0.0.1',
    port: 4_000,
    dataDir: resolve('data'),
    databaseUrl: `file:${resolve('data/gateway.db')}`,
    upstream: 'engine',
    joggBaseUrl: 'https://api.jogg.ai',
    corsOrigins: [],
    logLevel: 'info',
  })
})

test('a variable is read by the type of its option', () => {
  const env = { PORT: ' 0 ', DATA_DIR: '/srv/lipsync', CORS_ORIGINS: 'https://a.example, http://localhost:3000,' }
  expect(configFromEnv(env)).toMatchObject({
    port: 0,
    databaseUrl: 'file:/srv/lipsync/gateway.db',
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
  })
})

test('an empty variable counts as unset', () => {
  const empty = Object.fromEntries(OPTIONS.map((option, index) => [toVariable(option), index % 2 ? '' : ' ']))
  expect(configFromEnv(empty)).toEqual(configFromEnv({}))
})

test('a key chooses JoggAI, unless the built-in engine is asked for', () => {
  expect(configFromEnv({ JOGG_API_KEY: 'k' }).upstream).toBe('jogg')
  expect(configFromEnv({ JOGG_API_KEY: 'k', UPSTREAM: 'engine' }).upstream).toBe('engine')
})

test('all mistakes are told at once, by the names of the variables and without their values', () => {
  const env = {
    PORT: '0x1F',
    POLL_MIN_MS: '1.5',
    UPSTREAM: 'other',
    DATABASE_URL: 'postgres://user:secret@db/x',
    PUBLIC_URL: 'gateway.example',
    JOGG_BASE_URL: 'ftp://secret',
    CORS_ORIGINS: 'https://a.example/, *',
    MEDIA_ALLOWED_HOSTS: 'media.lan:8080, *',
    WS_MAX_CONNECTIONS: '0',
    LOG_LEVEL: 'loud',
  }
  expect(mistakesOf(() => configFromEnv(env))).toEqual([
    'PORT: must be a whole number from 0 to 65535',
    'DATABASE_URL: must be file: and a path, or :memory:',
    'UPSTREAM: must be one of jogg, engine',
    'JOGG_BASE_URL: must be an http or https URL, such as https://example.com',
    'PUBLIC_URL: must be an http or https URL, such as https://example.com',
    'POLL_MIN_MS: must be a whole number from 1 to 3600000',
    'CORS_ORIGINS: must be origins, such as https://example.com',
    'MEDIA_ALLOWED_HOSTS: must be hosts as in a URL: name, name:port or [::1]',
    'WS_MAX_CONNECTIONS: must be a whole number from 1 to 1000000',
    'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
  ])
})

test('values that contradict each other are told with those that are wrong by themselves', () => {
  expect(mistakesOf(() => configFromEnv({ UPSTREAM: 'jogg', POLL_MIN_MS: '20000', PORT: '-1' }))).toEqual([
    'PORT: must be a whole number from 0 to 65535',
    'JOGG_API_KEY: is needed for upstream jogg',
    'POLL_MIN_MS: is greater than POLL_MAX_MS',
  ])
})

test('an embedding app is told its own names', () => {
  const options = { pollMaxMs: 1, port: '80', databseUrl: ':memory:' } as unknown as GatewayOptions
  expect(mistakesOf(() => resolveConfig(options))).toEqual([
    'port: must be a whole number from 0 to 65535',
    'databseUrl: no such option',
    'pollMinMs: is greater than pollMaxMs',
  ])
})

test('every option is documented, and its documented default is the real one', () => {
  const documented = readVariables()
  expect(documented.map(variable => variable.name)).toEqual(OPTIONS.map(toVariable))
  const config = resolveConfig()
  for (const [index, option] of OPTIONS.entries()) {
    const value = documented[index]?.default ?? ''
    if (isInWords(value) || option === 'dataDir') continue
    expect(value, option).toBe(String(config[option]))
  }
})

test('the README names every variable with its meaning and default', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const table = readme.split('\n').filter(line => /^\| `[A-Z_]+` \|/.test(line))
  expect(table).toEqual(
    readVariables().map(({ name, meaning, default: value }) => {
      return `| \`${name}\` | ${meaning} | ${isInWords(value) ? value : `\`${value}\``} |`
    }),
  )
})
