import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { LOG_LEVELS } from './log.js'
import {
  group,
  hostEntry,
  httpUrl,
  list,
  ms,
  oneOf,
  option,
  origin,
  orNone,
  quota,
  text,
  trueOrFalse,
  whole,
} from './option-values.js'
import type { Upstream } from './tasks/driver/upstream.js'
import { LONGEST_SECONDS } from './tasks/service/create-input.js'

/** The vendors that the gateway brings along. */
export const BUILT_IN_UPSTREAMS = ['jogg', 'engine'] as const

/**
 * Every option of the gateway: its type, its limits, its one default and its description. The type `GatewayOptions`, the
 * help of the command line and docs/configuration.md are generated from this schema (`npm run docs`).
 */
export const optionsSchema = z.strictObject({
  host: option(text().default('127.0.0.1'), { description: 'Address to listen on.' }),
  port: option(whole(0, 65_535).default(4_000), { description: 'Port to listen on; 0 takes a free one.' }),
  publicUrl: option(orNone(httpUrl()), {
    description: 'URL under which clients reach the gateway; the prefix of its media links.',
    defaultText: '`http://HOST:PORT`',
  }),
  dataDir: option(text().default('./data'), { description: 'Folder of the database and the media files.' }),
  databaseUrl: option(
    orNone(
      text().regex(/^(file:.+|:memory:|postgres(ql)?:\/\/.+)$/, 'must be file: and a path, :memory:, or postgres://…'),
    ),
    {
      description:
        'Database: `file:` and a path, or `:memory:`, for SQLite; `postgres://user:password@host/database` for Postgres, on which several gateways may run.',
      defaultText: '`gateway.db` in the data folder',
    },
  ),
  databaseDirectUrl: option(orNone(text().regex(/^postgres(ql)?:\/\/.+$/, 'must be postgres://…')), {
    description:
      "The same Postgres database without a connection pooler in between, for the connection that listens to the other gateways. Without it, gateways behind a pooler that gives each transaction another connection learn of each other's changes within a second instead of milliseconds.",
    defaultText: '`databaseUrl`',
  }),
  restored: option(trueOrFalse().default(false), {
    description:
      'The database was restored from a backup: looks up every queued task at the upstream before it is submitted. Set it for one start only.',
    variable: null,
  }),
  upstream: option(orNone(builtInOrOwn()), {
    description:
      "Makes the videos: `jogg` (JoggAI's API) or `engine` (the built-in engine). An embedding app may pass its own `Upstream`.",
    defaultText:
      '`jogg` with a JoggAI key, otherwise `engine`; required when the gateway is reachable from other machines',
    type: "'jogg' | 'engine' | Upstream",
  }),
  upstreamTimeoutMs: option(ms().default(10_000), {
    description: 'Time limit of each upstream call, in milliseconds.',
  }),
  auth: option(orNone(oneOf(['open'])), {
    description: '`open` accepts requests without a credential, from any machine.',
    defaultText: 'none: only on a loopback address, and only while no API key or token issuer exists',
  }),
  corsOrigins: option(list(origin()), {
    description: 'Origins of web pages that may call the gateway, besides its own.',
  }),
  estimateSeconds: option(whole(1, LONGEST_SECONDS).default(60), {
    description: 'Duration that a task without `expectedDurationSeconds` reserves budget for, in seconds.',
  }),
  explorer: option(trueOrFalse().default(true), {
    description: 'Serves GraphiQL and answers introspection queries.',
  }),
  logLevel: option(oneOf(LOG_LEVELS).default('info'), {
    description: 'Least severe level that is logged: trace, debug, info, warn, error, fatal or silent.',
  }),

  jogg: group(
    'JoggAI',
    'JOGG',
    z
      .strictObject({
        apiKey: option(orNone(text()), { description: 'API key of the JoggAI account.' }),
        baseUrl: option(httpUrl().default('https://api.jogg.ai'), { description: "Base URL of JoggAI's API." }),
      })
      .prefault({}),
  ),

  submits: group(
    'Submit queue',
    'SUBMITS',
    z
      .strictObject({
        perMinute: option(orNone(whole(1, 100_000)), {
          description: 'Submits in any 60 seconds.',
          defaultText: "the upstream's own limit: 20 for JoggAI, none for the engine",
        }),
        maxQueueHours: option(whole(1, 8_760).default(24), {
          description: 'Hours after which a task that is still queued fails as `EXPIRED`.',
          variable: 'MAX_QUEUE_HOURS',
        }),
      })
      .prefault({}),
  ),

  poll: group(
    'Status checks',
    'POLL',
    z
      .strictObject({
        firstMs: option(ms().default(3_000), {
          description: 'Delay between a submit and its first status check, in milliseconds.',
        }),
        minMs: option(ms().default(5_000), {
          description:
            'Delay between the first status check and the second, in milliseconds; each later delay is a fifth longer.',
        }),
        maxMs: option(ms().default(10_000), {
          description: 'Longest delay between two status checks, in milliseconds.',
        }),
        stallAfterMinutes: option(whole(1, 10_080).default(30), {
          description: 'Minutes upstream after which a task shows `stalledSince` and is checked less often.',
          variable: 'STALL_AFTER_MINUTES',
        }),
      })
      .prefault({}),
  ),

  jwt: group(
    "Tokens of the platform's issuer",
    'JWT',
    z
      .strictObject({
        jwksUrl: option(orNone(httpUrl()), {
          description: 'URL of the JWKS with the public keys of the token issuer.',
        }),
        secret: option(orNone(text().refine(value => Buffer.byteLength(value) >= 32, 'must be at least 32 bytes')), {
          description: 'Shared secret for HS256 tokens, instead of a JWKS; at least 32 bytes.',
        }),
        issuer: option(orNone(text()), { description: 'Required `iss` claim.' }),
        audience: option(orNone(text()), { description: 'Required `aud` claim.' }),
        callerClaim: option(text().default('sub'), { description: 'Claim that names the caller.' }),
        scopeClaim: option(text().default('scope'), {
          description: 'Claim that holds the scopes (read, create, admin), as a list or separated by spaces.',
        }),
      })
      .prefault({}),
  ),

  callerLimits: group(
    'Limits of each caller',
    'LIMIT',
    z
      .strictObject({
        createsPerMinute: option(quota().default(60), {
          description: 'Creates that a caller may make in a minute. A batch is one create.',
        }),
        waitingTasks: option(quota().default(500), { description: 'Tasks of a caller that may wait in the queue.' }),
        sockets: option(quota().default(50), { description: 'WebSockets that a caller may have open.' }),
        subscriptions: option(quota().default(200), {
          description: 'Subscriptions that a caller may have open, over WebSockets and event streams together.',
        }),
        monthlyCredits: option(orNone(whole(0, 1_000_000_000)), {
          description: 'Credits that a caller may spend in a calendar month (UTC).',
        }),
        uploadBytes: option(whole(0, 1_000_000_000_000_000).default(5_000_000_000), {
          description: 'Bytes of uploaded files that the gateway keeps for a caller.',
        }),
      })
      .prefault({}),
  ),

  uploads: group(
    'Uploads',
    'UPLOAD',
    z
      .strictObject({
        ttlHours: option(whole(1, 8_760).default(24), {
          description:
            'Hours for which an uploaded file is kept after its arrival, and after the latest create that names it. A file that an unfinished task uses is kept longer.',
        }),
        videoBytes: option(whole(1, 100_000_000_000).default(500_000_000), {
          description:
            'Largest video that can be uploaded, in bytes; with the built-in engine at most `MEDIA_MAX_BYTES`.',
        }),
        audioBytes: option(whole(1, 100_000_000_000).default(100_000_000), {
          description:
            'Largest audio file that can be uploaded, in bytes; with the built-in engine at most `MEDIA_MAX_BYTES`.',
        }),
      })
      .prefault({}),
  ),

  engine: group(
    'Built-in engine',
    'MEDIA',
    z
      .strictObject({
        allowedHosts: option(list(hostEntry()), {
          description: 'Private hosts (`name`, `name:port` or `[::1]`) that the built-in engine may fetch from.',
        }),
        ffmpegPath: option(orNone(text()), {
          description: 'Native `ffmpeg` to use, several times faster than the bundled WebAssembly build.',
          defaultText: 'the bundled build',
          variable: 'FFMPEG_PATH',
        }),
        maxBytes: option(whole(1, 10_000_000_000).default(200_000_000), {
          description: 'Largest input file, in bytes.',
        }),
        maxSeconds: option(whole(1, LONGEST_SECONDS).default(600), { description: 'Longest audio, in seconds.' }),
        maxPixels: option(whole(1, 100_000_000).default(1_920 * 1_080), {
          description: 'Largest picture, as width times height; the default is 1920x1080, in either orientation.',
        }),
        maxSpoolBytes: option(whole(1, 1_000_000_000_000).default(16_000_000_000), {
          description: 'Largest temporary file for the decoded frames of one job, in bytes.',
        }),
        concurrency: option(whole(1, 256).default(Math.max(1, availableParallelism() - 1)), {
          description: 'Jobs that run at a time.',
          defaultText: 'the number of cores minus one, at least 1',
        }),
      })
      .prefault({}),
  ),

  webSocket: group(
    'WebSockets',
    'WS',
    z
      .strictObject({
        maxConnections: option(whole(1, 1_000_000).default(1_000), {
          description: 'Open WebSockets of all callers; one more is closed with 1013.',
        }),
        maxOperations: option(whole(1, 100_000).default(100), {
          description: 'Concurrent operations on one WebSocket; one more closes it with 4429.',
        }),
        maxMessageBytes: option(whole(1, 100_000_000).default(100_000), {
          description: 'Largest WebSocket message, in bytes; a larger one closes the WebSocket with 1009.',
        }),
        initTimeoutMs: option(ms().default(5_000), {
          description:
            'Time from the opening of a WebSocket to its `connection_init`, in milliseconds; then it is closed with 4408.',
        }),
      })
      .prefault({}),
  ),
})

function builtInOrOwn() {
  return z.union([oneOf(BUILT_IN_UPSTREAMS), upstreamObject()], {
    error: `must be one of ${BUILT_IN_UPSTREAMS.join(', ')}, or an Upstream`,
  })
}

function upstreamObject() {
  const methods = ['submit', 'getJob', 'priceOf'] as const
  return z.custom<Upstream>(value => {
    const candidate = value as Partial<Record<string, unknown>> | null
    return typeof candidate === 'object' && methods.every(method => typeof candidate?.[method] === 'function')
  })
}
