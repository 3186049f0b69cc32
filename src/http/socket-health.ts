import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'

/** A client that answers no ping for this long is gone. */
const PING_MS = 12_000

/** Who does not read what he asked for is not listened to until he does: it would only pile up here. */
export const waitForReader = (client: WebSocket, { socket }: IncomingMessage) => {
  if (client.isPaused || !socket.writableNeedDrain) return
  client.pause()
  socket.once('drain', () => client.resume())
}

/** Pings, and terminates a client that has not answered the last one. */
export const keepAlive = (client: WebSocket): (() => void) => {
  let alive = true
  const ping = setInterval(() => {
    if (!alive) return client.terminate()
    alive = false
    client.ping()
  }, PING_MS)
  client.on('pong', () => {
    alive = true
  })
  return () => clearInterval(ping)
}
