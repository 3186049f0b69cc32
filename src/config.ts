import { resolve } from 'node:path'
import { z } from 'zod'
import type { GatewayOptions } from './gateway-options.js'
import { hostnameOf, isLoopback } from './net/address.js'
import { OPTIONS, type Option } from './option-groups.js'
import { optionsSchema } from './options.js'

export type { GatewayOptions } from './gateway-options.js'

export type Config = ReturnType<typeof resolveConfig>

const MINUTE_MS = 60_000

/** The options are wrong; the message names every mistake, and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(mistakes: readonly string[]) {
    super(`The configuration is wrong:\n${mistakes.map(mistake => `  ${mistake}`).join('\n')}`)
  }
}

/** Names an option in error messages: `poll.firstMs` to an embedding app, `POLL_FIRST_MS` on the command line. */
type NameOf = (path: string) => string

/** Fills in the defaults. Throws one `ConfigError` that names every mistake. */
export function resolveConfig(options: GatewayOptions = {}, nameOf: NameOf = path => path) {
  const parsed = optionsSchema.safeParse(options)
  const wrong = parsed.success ? [] : parsed.error.issues.flatMap(issue => describeIssue(issue, nameOf))
  // A value that is wrong by itself contradicts nothing.
  const wrongPaths = new Set(parsed.error?.issues.map(pathOf))
  const checked = parsed.success ? parsed.data : optionsSchema.parse(withoutPaths(options, parsed.error.issues))
  const contradicting = contradictions(checked, nameOf).flatMap(([isThere, paths, message]) =>
    isThere && !paths.some(path => wrongPaths.has(path)) ? [message] : [],
  )
  const mistakes = [...new Set([...wrong, ...contradicting])]
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes)
  const { dataDir, databaseUrl, upstream, jwt, poll, submits, uploads: _, ...rest } = parsed.data
  return {
    ...rest,
    dataDir: resolve(dataDir),
    databaseUrl: databaseUrl ?? `file:${resolve(dataDir, 'gateway.db')}`,
    upstream: upstream ?? (rest.jogg.apiKey ? 'jogg' : 'engine'),
    /** Whether the upstream was chosen by name, rather than by the presence of a key. */
    isUpstreamChosen: upstream !== null,
    jwt: jwtSettings(jwt),
    poll: { ...poll, stallAfterMs: poll.stallAfterMinutes * MINUTE_MS },
    uploads: uploadSettings(parsed.data),
    submits: { perMinute: submits.perMinute, maxQueueMs: submits.maxQueueHours * 60 * MINUTE_MS },
  }
}

/** Reads the configuration from the environment; an empty variable counts as unset. `overrides` win over it. */
export function configFromEnv(env: Environment, overrides: GatewayOptions = {}): Config {
  const given: Record<string, unknown> = {}
  for (const option of OPTIONS) {
    const value = option.variable && env[option.variable]?.trim()
    if (value) set(given, option.path, fromText(option.field, value))
  }
  return resolveConfig({ ...given, ...overrides }, variableOf)
}

export type Environment = Readonly<Record<string, string | undefined>>

type Parsed = z.output<typeof optionsSchema>

/** The engine reads no larger file, so none is accepted. */
function uploadSettings({ uploads, upstream, jogg, engine }: Parsed) {
  const isEngine = (upstream ?? (jogg.apiKey ? 'jogg' : 'engine')) === 'engine'
  const largest = isEngine ? engine.maxBytes : Number.POSITIVE_INFINITY
  return {
    ttlMs: uploads.ttlHours * 60 * MINUTE_MS,
    limits: { video: Math.min(uploads.videoBytes, largest), audio: Math.min(uploads.audioBytes, largest) },
  }
}

/** The token issuer of the platform; null when none is configured. */
function jwtSettings({ jwksUrl, secret, issuer, audience, callerClaim, scopeClaim }: Parsed['jwt']) {
  const key = jwksUrl ? { jwksUrl } : secret ? { secret } : null
  return key && { key, issuer: issuer ?? '', audience: audience ?? '', callerClaim, scopeClaim }
}

const JWT_PATHS = { jwksUrl: 'jwt.jwksUrl', secret: 'jwt.secret', issuer: 'jwt.issuer', audience: 'jwt.audience' }

/** A contradiction: whether it is there, the options that it lies in, and its message. */
type Contradiction = readonly [isThere: boolean, paths: readonly string[], message: string]

/** Describes what each value by itself allows and the values together do not. */
function contradictions(options: Parsed, nameOf: NameOf): Contradiction[] {
  const { upstream, jogg, poll, jwt } = options
  const { jwksUrl, secret, issuer, audience } = JWT_PATHS
  const hasIssuer = Boolean(jwt.jwksUrl || jwt.secret)
  const key = jwt.jwksUrl ? jwksUrl : secret
  const useless = jwt.issuer ? issuer : audience
  return [
    [upstream === 'jogg' && !jogg.apiKey, ['jogg.apiKey'], `${nameOf('jogg.apiKey')}: is required for upstream jogg`],
    [
      poll.minMs > poll.maxMs,
      ['poll.minMs', 'poll.maxMs'],
      `${nameOf('poll.minMs')}: is greater than ${nameOf('poll.maxMs')}`,
    ],
    [Boolean(jwt.jwksUrl && jwt.secret), [], `${nameOf(secret)}: cannot be combined with ${nameOf(jwksUrl)}`],
    // Without them, any token that the issuer ever signed, for any service, would be accepted.
    [hasIssuer && !jwt.issuer, [issuer], `${nameOf(issuer)}: is required with ${nameOf(key)}`],
    [hasIssuer && !jwt.audience, [audience], `${nameOf(audience)}: is required with ${nameOf(key)}`],
    [
      !hasIssuer && Boolean(jwt.issuer || jwt.audience),
      [jwksUrl, secret],
      `${nameOf(useless)}: has no effect without ${nameOf(jwksUrl)} or ${nameOf(secret)}`,
    ],
    // A forgotten or misspelt key must not turn a production gateway into one that uses the engine.
    [
      isExposed(options) && !upstream && !jogg.apiKey,
      ['host', 'publicUrl', 'upstream', 'jogg.apiKey'],
      `${nameOf('upstream')}: is required when the gateway is reachable from other machines. ` +
        `Set ${nameOf('jogg.apiKey')} to use JoggAI, or ${nameOf('upstream')}=engine to use the built-in engine`,
    ],
  ]
}

/** Whether the configuration lets other machines reach the gateway. */
export function isExposed({ host, publicUrl }: Pick<Parsed, 'host' | 'publicUrl'>): boolean {
  return !isLoopback(host) || (publicUrl !== null && !isLoopback(hostnameOf(publicUrl)))
}

function describeIssue(issue: z.core.$ZodIssue, nameOf: NameOf): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => `${[...issue.path, key].join('.')}: is not an option`)
  return [`${nameOf(pathOf(issue))}: ${issue.message}`]
}

/** The path of the option, without an index into a list. */
function pathOf({ path }: z.core.$ZodIssue): string {
  return path.filter(part => typeof part === 'string').join('.')
}

/** The environment variable of the option at this path, or the path where it has none. */
function variableOf(path: string): string {
  return OPTIONS.find(option => option.path.join('.') === path)?.variable ?? path
}

/** The text of a variable as the option's type. A text that does not fit is kept, to be reported with the other mistakes. */
function fromText(field: Option['field'], value: string): unknown {
  const type = innermost(field)
  if (type instanceof z.ZodBoolean && /^(true|false)$/.test(value)) return value === 'true'
  if (type instanceof z.ZodNumber && /^\d+$/.test(value)) return Number(value)
  if (!(type instanceof z.ZodArray)) return value
  return value
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
}

/** A schema without its default, null and readonly wrappers. */
export function innermost(field: z.core.$ZodType): z.core.$ZodType {
  const isWrapper =
    field instanceof z.ZodDefault ||
    field instanceof z.ZodPrefault ||
    field instanceof z.ZodNullable ||
    field instanceof z.ZodReadonly
  return isWrapper ? innermost(field.unwrap()) : field
}

function set(target: Record<string, unknown>, [head = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[head] = value
  else {
    const inner = (target[head] ?? {}) as Record<string, unknown>
    target[head] = inner
    set(inner, rest, value)
  }
}

/** The options without those that the issues concern. */
function withoutPaths(options: object, issues: readonly z.core.$ZodIssue[]): object {
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, isPlainObject(value) ? { ...value } : value]),
  )
  for (const issue of issues) {
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...issue.path, key]) : [issue.path]
    for (const [head = '', inner] of paths) {
      const group = copy[String(head)]
      if (isPlainObject(group) && inner !== undefined) delete group[String(inner)]
      else delete copy[String(head)]
    }
  }
  return copy
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
