import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { Clock } from '../clock.js'

/** A client whose pong is missing for this long is dead. */
export const PING_MS = 12_000

/** Stops reading from a client that does not read its own responses: they would pile up here. */
export function waitForReader(client: WebSocket, { socket }: IncomingMessage): void {
  if (client.isPaused || !socket.writableNeedDrain) return
  client.pause()
  socket.once('drain', () => client.resume())
}

/** Pings the client until it closes, and terminates it when the last ping got no pong. */
export function keepAlive(client: WebSocket, clock: Clock): void {
  const closed = new AbortController()
  let isAlive = true
  client.on('pong', () => {
    isAlive = true
  })
  client.once('close', () => closed.abort())

  async function pingUntilClosed(): Promise<void> {
    for (;;) {
      await clock.sleep(PING_MS, closed.signal)
      if (!isAlive) await readWhatArrived()
      if (closed.signal.aborted) return
      if (!isAlive) return client.terminate()
      isAlive = false
      client.ping()
    }
  }
  void pingUntilClosed()
}

/**
 * After the process stood still, timers fire before the sockets are read: a pong may have arrived long ago. Two turns of
 * the event loop read it.
 */
async function readWhatArrived(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
}
