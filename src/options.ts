import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { LOG_LEVELS, type LogLevel } from './log.js'
import { isHostEntry } from './net/address.js'

/**
 * Every option of the gateway. An embedding app gives them to `createGateway`; the command line reads each from the
 * environment, where `pollFirstMs` is `POLL_FIRST_MS` and lists are separated by commas, and shows these comments in
 * its help.
 */
export interface GatewayOptions {
  /** The address to listen on. @default '127.0.0.1' */
  host?: string | undefined
  /** The port to listen on; 0 takes a free one. @default 4_000 */
  port?: number | undefined
  /** The folder of the database and of the media files. @default './data' */
  dataDir?: string | undefined
  /** The SQLite database: `file:` and a path, or `:memory:`. @default `gateway.db` in the data folder */
  databaseUrl?: string | undefined
  /** Who makes the lip sync: `jogg`, or `engine`, the built-in engine. @default 'jogg' with a key, otherwise 'engine' */
  upstream?: 'jogg' | 'engine' | undefined
  /** The key of the JoggAI account. @default none */
  joggApiKey?: string | undefined
  /** Where JoggAI's API is. @default 'https://api.jogg.ai' */
  joggBaseUrl?: string | undefined
  /** How others reach the gateway: the beginning of the links to its media. @default `http://HOST:PORT` */
  publicUrl?: string | undefined
  /** From a submit to the first look at the job, in milliseconds. @default 3_000 */
  pollFirstMs?: number | undefined
  /** From the first look to the second, in milliseconds; each later wait is a fifth longer. @default 5_000 */
  pollMinMs?: number | undefined
  /** The longest wait between two looks, in milliseconds. @default 10_000 */
  pollMaxMs?: number | undefined
  /** How many looks run at a time. @default 8 */
  pollConcurrency?: number | undefined
  /** The time limit of each call upstream, in milliseconds. @default 10_000 */
  upstreamTimeoutMs?: number | undefined
  /** Submits in any 60 s; JoggAI allows 20 POSTs. @default 20 with JoggAI, else unlimited */
  submitsPerMinute?: number | undefined
  /** How long a task may wait to be sent before it fails as `EXPIRED`, in hours. @default 24 */
  maxQueueHours?: number | undefined
  /** After how long upstream a task shows `stalledSince` and is looked at more slowly, in minutes. @default 30 */
  stallAfterMinutes?: number | undefined
  /** Origins of web pages that may call the gateway, beside its own. @default none */
  corsOrigins?: readonly string[] | undefined
  /** Let anybody in who brings no credential: `open`. @default only on a loopback address, without keys and tokens */
  auth?: 'open' | undefined
  /** Where the platform's token issuer publishes its public keys, as a JWKS. @default none */
  jwtJwksUrl?: string | undefined
  /** The secret it signs with (HS256) instead, at least 32 bytes. @default none */
  jwtSecret?: string | undefined
  /** The `iss` claim of its tokens. @default none */
  jwtIssuer?: string | undefined
  /** The `aud` claim of its tokens. @default none */
  jwtAudience?: string | undefined
  /** The claim that names the caller: whose tasks they are. @default 'sub' */
  jwtCallerClaim?: string | undefined
  /** The claim that holds the scopes (read, create, admin), as a list or separated by spaces. @default 'scope' */
  jwtScopeClaim?: string | undefined
  /** Creates of one caller in a minute. @default 60 */
  limitCreatesPerMinute?: number | undefined
  /** Tasks of one caller that wait to be sent. @default 500 */
  limitWaitingTasks?: number | undefined
  /** WebSockets of one caller at a time. @default 50 */
  limitSockets?: number | undefined
  /** Subscriptions of one caller at a time, over WebSockets and event streams together. @default 200 */
  limitSubscriptions?: number | undefined
  /** JoggAI's credits of one caller in a calendar month (UTC). @default none */
  limitMonthlyCredits?: number | undefined
  /** What a task sets aside of that budget when its caller names no expected duration, in seconds. @default 60 */
  estimateSeconds?: number | undefined
  /** GraphiQL and introspection: true or false. @default true */
  explorer?: boolean | undefined
  /** Hosts (`name`, `name:port`) that the built-in engine may fetch from although they are private. @default none */
  mediaAllowedHosts?: readonly string[] | undefined
  /** An `ffmpeg` for the built-in engine, several times faster than its own. @default its own */
  ffmpegPath?: string | undefined
  /** The largest file that the built-in engine fetches, in bytes. @default 200_000_000 */
  mediaMaxBytes?: number | undefined
  /** The longest audio that it takes, in seconds. @default 600 */
  mediaMaxSeconds?: number | undefined
  /** The largest picture that it takes, in pixels: 1920x1080, either way up. @default 2_073_600 */
  mediaMaxPixels?: number | undefined
  /** The largest temporary file for the decoded frames of one job, in bytes. @default 16_000_000_000 */
  mediaMaxSpoolBytes?: number | undefined
  /** How many jobs it works on at a time. @default one for each core but one */
  mediaConcurrency?: number | undefined
  /** WebSockets in all; one more is closed with 1013. @default 1_000 */
  wsMaxConnections?: number | undefined
  /** Operations at a time on one WebSocket; one more closes it with 4429. @default 100 */
  wsMaxOperations?: number | undefined
  /** The largest WebSocket message, in bytes; a larger one closes it with 1009. @default 100_000 */
  wsMaxMessageBytes?: number | undefined
  /** From a WebSocket's opening to its `connection_init`, in milliseconds; later it is closed with 4408. @default 5_000 */
  wsInitTimeoutMs?: number | undefined
  /** The least important lines that are logged: trace, debug, info, warn, error, fatal or silent. @default 'info' */
  logLevel?: LogLevel | undefined
}

const whole = (from: number, to: number) =>
  z
    .int({ error: `must be a whole number from ${from} to ${to}` })
    .min(from)
    .max(to)
const ms = (from: number) => whole(from, 3_600_000)
const list = <T extends z.ZodType>(item: T) => z.array(item, { error: 'must be a list' }).default([])
const text = z.string({ error: 'must be a text' }).min(1, 'must not be empty')
const httpUrl = text.refine(
  value => /^https?:\/\//.test(value) && URL.canParse(value),
  'must be an http or https URL, such as https://example.com',
)
/** As browsers write it: no path, no slash at the end. */
const origin = text.refine(
  value => URL.canParse(value) && new URL(value).origin === value,
  'must be origins, such as https://example.com',
)
/** Anything else would never match, and be refused in silence. */
const hostEntry = text.refine(isHostEntry, 'must be hosts as in a URL: name, name:port or [::1]')
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

/** What each option may be, and what it is when left out. */
export const optionsSchema = z.strictObject({
  host: text.default('127.0.0.1'),
  port: whole(0, 65_535).default(4_000),
  dataDir: text.default('./data'),
  databaseUrl: text.regex(/^(file:.+|:memory:)$/, 'must be file: and a path, or :memory:').optional(),
  upstream: oneOf(['jogg', 'engine']).optional(),
  joggApiKey: text.optional(),
  joggBaseUrl: httpUrl.default('https://api.jogg.ai'),
  publicUrl: httpUrl.optional(),
  pollFirstMs: ms(1).default(3_000),
  pollMinMs: ms(1).default(5_000),
  pollMaxMs: ms(1).default(10_000),
  pollConcurrency: whole(1, 100).default(8),
  upstreamTimeoutMs: ms(1).default(10_000),
  submitsPerMinute: whole(1, 100_000).optional(),
  maxQueueHours: whole(1, 8_760).default(24),
  stallAfterMinutes: whole(1, 10_080).default(30),
  corsOrigins: list(origin),
  auth: oneOf(['open']).optional(),
  jwtJwksUrl: httpUrl.optional(),
  jwtSecret: text.refine(value => Buffer.byteLength(value) >= 32, 'must be at least 32 bytes').optional(),
  jwtIssuer: text.optional(),
  jwtAudience: text.optional(),
  jwtCallerClaim: text.default('sub'),
  jwtScopeClaim: text.default('scope'),
  limitCreatesPerMinute: whole(0, 1_000_000).default(60),
  limitWaitingTasks: whole(0, 1_000_000).default(500),
  limitSockets: whole(0, 1_000_000).default(50),
  limitSubscriptions: whole(0, 1_000_000).default(200),
  limitMonthlyCredits: whole(0, 1_000_000_000).optional(),
  estimateSeconds: whole(1, 36_000).default(60),
  explorer: z.boolean({ error: 'must be true or false' }).default(true),
  mediaAllowedHosts: list(hostEntry),
  ffmpegPath: text.optional(),
  mediaMaxBytes: whole(1, 10_000_000_000).default(200_000_000),
  mediaMaxSeconds: whole(1, 36_000).default(600),
  mediaMaxPixels: whole(1, 100_000_000).default(1_920 * 1_080),
  mediaMaxSpoolBytes: whole(1, 1_000_000_000_000).default(16_000_000_000),
  mediaConcurrency: whole(1, 256).default(Math.max(1, availableParallelism() - 1)),
  wsMaxConnections: whole(1, 1_000_000).default(1_000),
  wsMaxOperations: whole(1, 100_000).default(100),
  wsMaxMessageBytes: whole(1, 100_000_000).default(100_000),
  wsInitTimeoutMs: ms(1).default(5_000),
  logLevel: oneOf(LOG_LEVELS).default('info'),
} satisfies { [O in keyof GatewayOptions]-?: z.ZodType<unknown, GatewayOptions[O]> })
