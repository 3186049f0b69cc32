import { resolve } from 'node:path'
import { z } from 'zod'
import { type GatewayOptions, optionsSchema } from './options.js'

export type { GatewayOptions } from './options.js'

export type Config = ReturnType<typeof resolveConfig>

type Option = keyof GatewayOptions
/** What JoggAI's documents allow: 20 POSTs a minute and key. */
const JOGG_SUBMITS_PER_MINUTE = 20
const DEFAULTS = optionsSchema.parse({})

/** Fills in the defaults. Throws one error that names every mistake. */
export const resolveConfig = (options: GatewayOptions = {}, nameOf: (option: Option) => string = name => name) => {
  const parsed = optionsSchema.safeParse(options)
  const wrong = parsed.success ? [] : parsed.error.issues.map(issue => describeIssue(issue, nameOf))
  const mistakes = [...new Set([...wrong, ...contradictions(options, nameOf)])]
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes)
  const { databaseUrl, dataDir, submitsPerMinute, ...rest } = parsed.data
  const upstream = rest.upstream ?? (rest.joggApiKey ? 'jogg' : 'engine')
  return {
    ...rest,
    upstream,
    submitsPerMinute: submitsPerMinute ?? (upstream === 'jogg' ? JOGG_SUBMITS_PER_MINUTE : null),
    dataDir: resolve(dataDir),
    databaseUrl: databaseUrl ?? `file:${resolve(dataDir, 'gateway.db')}`,
  }
}

/** The options are wrong; the message names every mistake, and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(mistakes: readonly string[]) {
    super(`The configuration is wrong:\n${mistakes.map(mistake => `  ${mistake}`).join('\n')}`)
  }
}

const describeIssue = (issue: z.core.$ZodIssue, nameOf: (option: Option) => string): string => {
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')}: no such option`
  return `${nameOf(issue.path[0] as Option)}: ${issue.message}`
}

/** What each value allows and the values together do not. A value that is wrong by itself contradicts nothing. */
const contradictions = (options: GatewayOptions, nameOf: (option: Option) => string): string[] => {
  const { upstream, joggApiKey, pollMinMs = DEFAULTS.pollMinMs, pollMaxMs = DEFAULTS.pollMaxMs } = options
  const { jwtJwksUrl, jwtSecret, jwtIssuer, jwtAudience } = options
  const hasIssuer = Boolean(jwtJwksUrl || jwtSecret)
  const jwtKey = nameOf(jwtJwksUrl ? 'jwtJwksUrl' : 'jwtSecret')
  const withoutKey = jwtIssuer ? 'jwtIssuer' : jwtAudience ? 'jwtAudience' : null
  return [
    ...(upstream === 'jogg' && !joggApiKey ? [`${nameOf('joggApiKey')}: is needed for upstream jogg`] : []),
    ...(pollMinMs > pollMaxMs ? [`${nameOf('pollMinMs')}: is greater than ${nameOf('pollMaxMs')}`] : []),
    ...(jwtJwksUrl && jwtSecret ? [`${nameOf('jwtSecret')}: cannot stand beside ${nameOf('jwtJwksUrl')}`] : []),
    // Without them any token that the issuer ever signed, for whatever service, would open the gateway.
    ...(hasIssuer && !jwtIssuer ? [`${nameOf('jwtIssuer')}: is needed with ${jwtKey}`] : []),
    ...(hasIssuer && !jwtAudience ? [`${nameOf('jwtAudience')}: is needed with ${jwtKey}`] : []),
    ...(!hasIssuer && withoutKey
      ? [`${nameOf(withoutKey)}: is of no use without ${nameOf('jwtJwksUrl')} or ${nameOf('jwtSecret')}`]
      : []),
  ]
}

/** `pollFirstMs` → `POLL_FIRST_MS` */
export const toVariable = (option: string): string => option.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()

/** The options by name, in the order in which they are documented. */
export const OPTIONS = Object.keys(optionsSchema.shape) as readonly Option[]

/** Reads the configuration from the environment; an empty variable counts as unset. */
export const configFromEnv = (env: Readonly<Record<string, string | undefined>>): Config => {
  const given = OPTIONS.flatMap(option => {
    const value = env[toVariable(option)]?.trim()
    return value ? [[option, fromText(option, value)]] : []
  })
  return resolveConfig(Object.fromEntries(given), toVariable)
}

/** A variable's text as the option wants it. What does not fit stays as it is, to be refused with the other mistakes. */
const fromText = (option: Option, value: string): unknown => {
  const field: z.core.$ZodType = optionsSchema.shape[option]
  const type = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : field
  if (type instanceof z.ZodBoolean && /^(true|false)$/.test(value)) return value === 'true'
  if (type instanceof z.ZodNumber && /^\d+$/.test(value)) return Number(value)
  if (!(type instanceof z.ZodArray)) return value
  return value
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
}
