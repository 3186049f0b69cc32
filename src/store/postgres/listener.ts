import type pg from 'pg'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import { openClient } from './pool.js'

export interface ListenerParts {
  readonly url: string
  /** Names the database. */
  readonly name: string
  readonly channel: string
  /** The payload of the heartbeat, which the listener hears itself. */
  readonly heartbeat: string
  readonly clock: Clock
  readonly log: Logger
  /** Called with each payload but the heartbeat's. */
  onPayload(payload: string): void
  /** Called when it listens, at the start and after it was interrupted: what was sent before was not heard. */
  onListening(): void
}

const BEAT_MS = 5_000
/** How long to wait before each attempt to connect again; the last for all others. */
const RETRY_DELAYS_MS = [50, 200, 1_000, 5_000]
/** An answer that takes longer will not come: the connection is half open. */
const ANSWER_MS = 5_000

/**
 * Listens on a channel with a connection of its own, and connects again when that was cut. Every few seconds it sends a
 * notification to itself: one that it does not hear shows that the connection is half open, or goes through a pooler that
 * gives each transaction another one.
 */
export function startListener(parts: ListenerParts): AsyncDisposable {
  const { url, name, channel, heartbeat, clock, log } = parts
  const stopping = new AbortController()
  let attempts = 0
  let isLost = false

  async function listen() {
    const cut = new AbortController()
    const client = await openClient(url, { query_timeout: ANSWER_MS })
    try {
      let hasHeard = false
      client.on('error', () => cut.abort())
      client.on('end', () => cut.abort())
      client.on('notification', ({ payload = '' }) => {
        if (payload === heartbeat) hasHeard = true
        else parts.onPayload(payload)
      })
      await client.query(`LISTEN "${channel}"`)
      const signal = AbortSignal.any([cut.signal, stopping.signal])
      for (let beat = 0; !signal.aborted; beat++) {
        hasHeard = false
        // A session hears its own notifications before the statement that sent them ends.
        await client.query('SELECT pg_notify($1, $2)', [channel, heartbeat])
        if (!hasHeard)
          throw new Error(
            'LISTEN has no effect on this connection, as behind a connection pooler. Set DATABASE_DIRECT_URL to a URL that does not go through it.',
          )
        if (beat === 0) begin()
        await clock.sleep(BEAT_MS, signal)
      }
      if (!stopping.signal.aborted) throw new Error('The connection was cut.')
    } finally {
      await endOf(client)
    }
  }

  function begin() {
    if (isLost) log.info({ database: name }, 'the notifications of other gateways are received again')
    isLost = false
    attempts = 0
    parts.onListening()
  }

  async function keepListening() {
    while (!stopping.signal.aborted) {
      await listen().catch(err => {
        if (!isLost)
          log.warn(
            { err, database: name },
            'the notifications of other gateways are not received: their changes are read from the log every second',
          )
        isLost = true
      })
      const delayMs = RETRY_DELAYS_MS[Math.min(attempts++, RETRY_DELAYS_MS.length - 1)] ?? 0
      await clock.sleep(delayMs, stopping.signal)
    }
  }
  const listening = keepListening()

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await listening
    },
  }
}

/** A connection that is half open would not answer. */
async function endOf(client: pg.Client): Promise<void> {
  await Promise.race([client.end().catch(() => {}), new Promise(resolve => setTimeout(resolve, 500).unref())])
}
