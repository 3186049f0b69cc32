// Generated from options.ts by `npm run docs`. Do not edit.
import type { Upstream } from './tasks/driver/upstream.js'

/**
 * The options of `createGateway`. The command line reads most of them from environment variables, which
 * docs/configuration.md lists.
 */
export interface GatewayOptions {
  /** Address to listen on. @default `127.0.0.1` */
  host?: string | undefined
  /** Port to listen on; 0 takes a free one. @default `4000` */
  port?: number | undefined
  /** URL under which clients reach the gateway; the prefix of its media links. @default `http://HOST:PORT` */
  publicUrl?: string | null | undefined
  /** Folder of the database and the media files. @default `./data` */
  dataDir?: string | undefined
  /**
   * Database: `file:` and a path, or `:memory:`, for SQLite; `postgres://user:password@host/database` for
   * Postgres, on which several gateways may run. @default `gateway.db` in the data folder
   */
  databaseUrl?: string | null | undefined
  /**
   * The same Postgres database without a connection pooler in between, for the connection that listens to the
   * other gateways. Without it, gateways behind a pooler that gives each transaction another connection learn of
   * each other's changes within a second instead of milliseconds. @default `databaseUrl`
   */
  databaseDirectUrl?: string | null | undefined
  /**
   * The database was restored from a backup: looks up every queued task at the upstream before it is submitted.
   * Set it for one start only. @default `false`
   */
  restored?: boolean | undefined
  /**
   * Makes the videos: `jogg` (JoggAI's API) or `engine` (the built-in engine). An embedding app may pass its own
   * `Upstream`. @default `jogg` with a JoggAI key, otherwise `engine`; required when the gateway is reachable from
   * other machines
   */
  upstream?: 'jogg' | 'engine' | Upstream | null | undefined
  /** Time limit of each upstream call, in milliseconds. @default `10000` */
  upstreamTimeoutMs?: number | undefined
  /**
   * `open` accepts requests without a credential, from any machine. @default none: only on a loopback address, and
   * only while no API key or token issuer exists
   */
  auth?: 'open' | null | undefined
  /** Origins of web pages that may call the gateway, besides its own. @default none */
  corsOrigins?: readonly string[] | undefined
  /** Duration that a task without `expectedDurationSeconds` reserves budget for, in seconds. @default `60` */
  estimateSeconds?: number | undefined
  /** Serves GraphiQL and answers introspection queries. @default `true` */
  explorer?: boolean | undefined
  /** Least severe level that is logged: trace, debug, info, warn, error, fatal or silent. @default `info` */
  logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent' | undefined
  /** JoggAI. */
  jogg?:
    | {
        /** API key of the JoggAI account. @default none */
        apiKey?: string | null | undefined
        /** Base URL of JoggAI's API. @default `https://api.jogg.ai` */
        baseUrl?: string | undefined
      }
    | undefined
  /** Submit queue. */
  submits?:
    | {
        /** Submits in any 60 seconds. @default the upstream's own limit: 20 for JoggAI, none for the engine */
        perMinute?: number | null | undefined
        /** Hours after which a task that is still queued fails as `EXPIRED`. @default `24` */
        maxQueueHours?: number | undefined
      }
    | undefined
  /** Status checks. */
  poll?:
    | {
        /** Delay between a submit and its first status check, in milliseconds. @default `3000` */
        firstMs?: number | undefined
        /**
         * Delay between the first status check and the second, in milliseconds; each later delay is a fifth
         * longer. @default `5000`
         */
        minMs?: number | undefined
        /** Longest delay between two status checks, in milliseconds. @default `10000` */
        maxMs?: number | undefined
        /** Minutes upstream after which a task shows `stalledSince` and is checked less often. @default `30` */
        stallAfterMinutes?: number | undefined
      }
    | undefined
  /** Tokens of the platform's issuer. */
  jwt?:
    | {
        /** URL of the JWKS with the public keys of the token issuer. @default none */
        jwksUrl?: string | null | undefined
        /** Shared secret for HS256 tokens, instead of a JWKS; at least 32 bytes. @default none */
        secret?: string | null | undefined
        /** Required `iss` claim. @default none */
        issuer?: string | null | undefined
        /** Required `aud` claim. @default none */
        audience?: string | null | undefined
        /** Claim that names the caller. @default `sub` */
        callerClaim?: string | undefined
        /** Claim that holds the scopes (read, create, admin), as a list or separated by spaces. @default `scope` */
        scopeClaim?: string | undefined
      }
    | undefined
  /** Limits of each caller. */
  callerLimits?:
    | {
        /** Creates that a caller may make in a minute. A batch is one create. @default `60` */
        createsPerMinute?: number | undefined
        /** Tasks of a caller that may wait in the queue. @default `500` */
        waitingTasks?: number | undefined
        /** WebSockets that a caller may have open. @default `50` */
        sockets?: number | undefined
        /** Subscriptions that a caller may have open, over WebSockets and event streams together. @default `200` */
        subscriptions?: number | undefined
        /** Credits that a caller may spend in a calendar month (UTC). @default none */
        monthlyCredits?: number | null | undefined
        /** Bytes of uploaded files that the gateway keeps for a caller. @default `5000000000` */
        uploadBytes?: number | undefined
      }
    | undefined
  /** Uploads. */
  uploads?:
    | {
        /**
         * Hours for which an uploaded file is kept after its arrival, and after the latest create that names it. A
         * file that an unfinished task uses is kept longer. @default `24`
         */
        ttlHours?: number | undefined
        /**
         * Largest video that can be uploaded, in bytes; with the built-in engine at most `MEDIA_MAX_BYTES`.
         * @default `500000000`
         */
        videoBytes?: number | undefined
        /**
         * Largest audio file that can be uploaded, in bytes; with the built-in engine at most `MEDIA_MAX_BYTES`.
         * @default `100000000`
         */
        audioBytes?: number | undefined
      }
    | undefined
  /** Built-in engine. */
  engine?:
    | {
        /** Private hosts (`name`, `name:port` or `[::1]`) that the built-in engine may fetch from. @default none */
        allowedHosts?: readonly string[] | undefined
        /**
         * Native `ffmpeg` to use, several times faster than the bundled WebAssembly build. @default the bundled
         * build
         */
        ffmpegPath?: string | null | undefined
        /** Largest input file, in bytes. @default `200000000` */
        maxBytes?: number | undefined
        /** Longest audio, in seconds. @default `600` */
        maxSeconds?: number | undefined
        /**
         * Largest picture, as width times height; the default is 1920x1080, in either orientation. @default
         * `2073600`
         */
        maxPixels?: number | undefined
        /** Largest temporary file for the decoded frames of one job, in bytes. @default `16000000000` */
        maxSpoolBytes?: number | undefined
        /** Jobs that run at a time. @default the number of cores minus one, at least 1 */
        concurrency?: number | undefined
      }
    | undefined
  /** WebSockets. */
  webSocket?:
    | {
        /** Open WebSockets of all callers; one more is closed with 1013. @default `1000` */
        maxConnections?: number | undefined
        /** Concurrent operations on one WebSocket; one more closes it with 4429. @default `100` */
        maxOperations?: number | undefined
        /** Largest WebSocket message, in bytes; a larger one closes the WebSocket with 1009. @default `100000` */
        maxMessageBytes?: number | undefined
        /**
         * Time from the opening of a WebSocket to its `connection_init`, in milliseconds; then it is closed with
         * 4408. @default `5000`
         */
        initTimeoutMs?: number | undefined
      }
    | undefined
}
