import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import type { Change, ChangeFeed } from '../../tasks/change-feed.js'
import type { Connection } from '../connection.js'
import { startListener } from './listener.js'
import { createLogTail } from './log-tail.js'
import { channelOf, decodeNotification, encodeChanges } from './notification.js'

export interface NotificationsParts {
  readonly connection: Connection
  /** The URL of the connection that listens. */
  readonly url: string
  /** Names the database. */
  readonly name: string
  readonly schema: string
  readonly clock: Clock
  readonly log: Logger
}

const TAIL_EVERY_MS = 1_000

/**
 * The changes of the gateways on a Postgres database, sent by NOTIFY after the commit, in a statement of its own: within
 * the transaction it would make all commits of the server wait for each other. One sender gathers what happens while its
 * last notification is on the way.
 *
 * What is sent while a gateway does not listen is lost, so each gateway also reads the end of the log again every second
 * and each time it begins to listen.
 */
export function startNotifications(parts: NotificationsParts): ChangeFeed & AsyncDisposable {
  const { connection, clock, log, name, schema } = parts
  const self = randomUUID()
  const channel = channelOf(schema)
  const listeners = new Set<(change: Change) => void>()
  const stopping = new AbortController()
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change)
  }
  const tail = createLogTail(connection, clock, tell)
  const sender = createSender(connection, channel, self)

  const listener = startListener({
    ...parts,
    channel,
    heartbeat: JSON.stringify({ s: self }),
    onPayload(payload) {
      const notification = decodeNotification(payload)
      if (!notification || notification.sender === self) return
      for (const change of notification.changes) {
        if (change.kind === 'transition') tail.reported(change.task.seq)
        tell(change)
      }
    },
    onListening: () => void tail.read().catch(() => {}),
  })

  async function keepReading() {
    let isFailing = false
    while (!stopping.signal.aborted) {
      try {
        await tail.read()
        isFailing = false
      } catch (err) {
        if (!isFailing) log.warn({ err, database: name }, 'the changes of other gateways cannot be read')
        isFailing = true
      }
      await clock.sleep(TAIL_EVERY_MS, stopping.signal)
    }
  }
  const reading = keepReading()

  return {
    publish(change) {
      if (change.kind === 'transition') tail.reported(change.task.seq)
      sender.send(change)
    },
    onRemoteChange: listener => void listeners.add(listener),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all([listener[Symbol.asyncDispose](), reading, sender.idle()])
    },
  }
}

/** Sends changes, one notification at a time. One that cannot be sent is dropped: the others find the change in the log. */
function createSender({ prepareSql, read }: Connection, channel: string, self: string) {
  const notify = prepareSql('SELECT pg_notify(@channel, @payload)')
  const pending: Change[] = []
  let sending: Promise<void> | null = null

  async function sendPending() {
    while (pending.length > 0) {
      const payloads = encodeChanges(self, pending.splice(0))
      for (const payload of payloads) await read(() => notify.all({ channel, payload })).catch(() => {})
    }
    sending = null
  }

  return {
    send(change: Change): void {
      pending.push(change)
      sending ??= sendPending()
    },
    idle: async () => sending,
  }
}
