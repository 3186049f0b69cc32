import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { LOG_LEVELS } from './log.js'

/** A whole number, also as the environment writes it. */
const whole = (from: number, to: number) => z.coerce.number().int().min(from).max(to)
const ms = (from: number) => whole(from, 3_600_000)
const list = z.preprocess(
  value =>
    typeof value === 'string'
      ? value
          .split(',')
          .map(part => part.trim())
          .filter(Boolean)
      : value,
  z.array(z.string()),
)
const httpUrl = z
  .string()
  .refine(text => /^https?:\/\//.test(text) && URL.canParse(text), 'is not an http or https URL')
/** An origin as browsers write it: no path, no slash at the end. */
const origin = z.string().refine(text => URL.canParse(text) && new URL(text).origin === text, 'is not an origin')

/**
 * Every option of the gateway. An embedding app gives them to `createGateway`; the command line reads each from the
 * environment, where `pollFirstMs` is `POLL_FIRST_MS`.
 */
const optionsSchema = z.strictObject({
  /** The address to listen on. @default '127.0.0.1' */
  host: z.string().min(1).default('127.0.0.1'),
  /** The port to listen on; 0 takes a free one. @default 4000 */
  port: whole(0, 65_535).default(4_000),
  /** The folder of the database and of the media files. @default './data' */
  dataDir: z.string().min(1).default('./data'),
  /** The SQLite database: `file:` and a path, or `:memory:`. @default 'file:' and `gateway.db` in `dataDir` */
  databaseUrl: z
    .string()
    .regex(/^(file:.+|:memory:)$/, 'must be file: and a path')
    .optional(),
  /** Who makes the lip sync: `jogg`, or `local`, the built-in engine. @default 'jogg' with a key, else 'local' */
  upstream: z.enum(['jogg', 'local']).optional(),
  /** The key of the JoggAI account. */
  joggApiKey: z.string().min(1).optional(),
  /** Where JoggAI's API is. @default 'https://api.jogg.ai' */
  joggBaseUrl: httpUrl.default('https://api.jogg.ai'),
  /** How browsers reach the gateway: the beginning of the links to its media. @default 'http://HOST:PORT' */
  publicUrl: httpUrl.optional(),
  /** From a submit to the first look at the job. @default 3_000 // 3 seconds */
  pollFirstMs: ms(1).default(3_000),
  /** From the first look to the second; each later wait is a fifth longer. @default 5_000 // 5 seconds */
  pollMinMs: ms(1).default(5_000),
  /** The longest wait between two looks. @default 10_000 // 10 seconds */
  pollMaxMs: ms(1).default(10_000),
  /** How many looks run at a time. @default 8 */
  pollConcurrency: whole(1, 100).default(8),
  /** The time limit of each call upstream. @default 10_000 // 10 seconds */
  upstreamTimeoutMs: ms(1).default(10_000),
  /** Origins of web pages that may call the gateway, separated by commas. @default none but its own */
  corsOrigins: list.pipe(z.array(origin)).default([]),
  /** Hosts (`name` or `name:port`) that the built-in engine may fetch from although they are private. @default none */
  mediaAllowedHosts: list.default([]),
  /** An `ffmpeg` for the built-in engine, several times faster than the one that comes with it. */
  ffmpegPath: z.string().min(1).optional(),
  /** The largest file that the built-in engine fetches, in bytes. @default 200_000_000 // 200 MB */
  mediaMaxBytes: whole(1, 10_000_000_000).default(200_000_000),
  /** The longest audio that it takes, in seconds. @default 600 // 10 minutes */
  mediaMaxSeconds: whole(1, 36_000).default(600),
  /** The largest picture that it takes, in pixels. @default 2_073_600 // 1920x1080 */
  mediaMaxPixels: whole(1, 100_000_000).default(1_920 * 1_080),
  /** How many jobs it works on at a time. @default one per core but one */
  mediaConcurrency: whole(1, 256).default(Math.max(1, cpus().length - 1)),
  /** WebSockets in all; one more is closed with 1013. @default 1_000 */
  wsMaxConnections: whole(1, 1_000_000).default(1_000),
  /** Operations at a time on one WebSocket; one more closes it with 4429. @default 100 */
  wsMaxOperations: whole(1, 100_000).default(100),
  /** The largest WebSocket message, in bytes; a larger one closes it with 1009. @default 100_000 // 100 KB */
  wsMaxMessageBytes: whole(1, 100_000_000).default(100_000),
  /** From the opening of a WebSocket to its `connection_init`; later it is closed with 4408. @default 5_000 // 5 seconds */
  wsInitTimeoutMs: ms(1).default(5_000),
  /** The least important lines that are logged. @default 'info' */
  logLevel: z.enum(LOG_LEVELS).default('info'),
})

export type GatewayOptions = z.input<typeof optionsSchema>

export type Config = ReturnType<typeof resolveConfig>

/** Fills in the defaults. Throws one error that names every mistake. */
export const resolveConfig = (options: GatewayOptions = {}, nameOf: (option: string) => string = name => name) => {
  const parsed = optionsSchema.safeParse(options)
  const mistakes = parsed.success
    ? contradictions(parsed.data, nameOf)
    : parsed.error.issues.map(issue => `${nameOf(String(issue.path[0] ?? ''))}: ${issue.message}`)
  if (!parsed.success || mistakes.length > 0) throw new ConfigError(mistakes)
  const { upstream, databaseUrl, dataDir, ...rest } = parsed.data
  return {
    ...rest,
    dataDir: resolve(dataDir),
    databaseUrl: databaseUrl ?? `file:${resolve(dataDir, 'gateway.db')}`,
    upstream: upstream ?? (rest.joggApiKey ? ('jogg' as const) : ('local' as const)),
  }
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  constructor(mistakes: readonly string[]) {
    super(`The configuration is wrong:\n${mistakes.map(mistake => `  ${mistake}`).join('\n')}`)
  }
}

const contradictions = (options: z.output<typeof optionsSchema>, nameOf: (option: string) => string): string[] => [
  ...(options.upstream === 'jogg' && !options.joggApiKey
    ? [`${nameOf('joggApiKey')}: is needed for upstream jogg`]
    : []),
  ...(options.pollMinMs > options.pollMaxMs ? [`${nameOf('pollMinMs')}: is greater than ${nameOf('pollMaxMs')}`] : []),
]

/** `pollFirstMs` → `POLL_FIRST_MS` */
const toVariable = (option: string): string => option.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()

/** The names of all environment variables that the gateway reads. */
export const VARIABLES: readonly string[] = Object.keys(optionsSchema.shape).map(toVariable)

/** Reads the configuration from the environment; an empty variable counts as unset. */
export const configFromEnv = (env: Readonly<Record<string, string | undefined>>): Config => {
  const set = Object.keys(optionsSchema.shape).flatMap(option => {
    const value = env[toVariable(option)]
    return value ? [[option, value]] : []
  })
  return resolveConfig(Object.fromEntries(set), toVariable)
}
