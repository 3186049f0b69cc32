import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Clock } from '../clock.js'
import { giveWay } from '../event-loop.js'

/** A client whose pong is missing for this long is dead. */
export const PING_MS = 12_000

/** Stops reading from a client that does not read its own responses: they would pile up here. */
export function waitForReader(client: WebSocket, connection: Socket): void {
  if (client.isPaused || !connection.writableNeedDrain) return
  client.pause()
  connection.once('drain', () => client.resume())
}

/**
 * Returns a function that has a client pinged until it closes, and terminated when its last ping got no pong. One timer
 * serves all clients.
 */
export function createKeepAlive(clock: Clock): (client: WebSocket) => void {
  /** The open clients, and whether each sent a pong since its last ping. */
  const clients = new Map<WebSocket, boolean>()
  let allClosed = new AbortController()
  let isRunning = false

  async function pingWhileOpen(): Promise<void> {
    isRunning = true
    while (clients.size > 0) {
      allClosed = new AbortController()
      await clock.sleep(PING_MS, allClosed.signal)
      if (!allClosed.signal.aborted) await pingAll()
    }
    isRunning = false
  }

  async function pingAll(): Promise<void> {
    if ([...clients.values()].includes(false)) await readWhatArrived()
    for (const [client, isAlive] of clients) {
      clients.set(client, false)
      if (isAlive) client.ping()
      else client.terminate()
      await giveWay()
    }
  }

  return client => {
    clients.set(client, true)
    client.on('pong', () => clients.has(client) && clients.set(client, true))
    client.once('close', () => {
      clients.delete(client)
      if (clients.size === 0) allClosed.abort()
    })
    if (!isRunning) void pingWhileOpen()
  }
}

/**
 * After the process stood still, timers fire before the sockets are read: a pong may have arrived long ago. Two turns of
 * the event loop read it.
 */
async function readWhatArrived(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
}
