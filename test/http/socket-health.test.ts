import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { createKeepAlive, PING_MS } from '../../src/http/socket-health.js'
import { createManualClock } from '../support/manual-clock.js'
import { openRawSocket, openSocket } from '../support/socket.js'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

test('keeps a client that sends its pongs', async () => {
  const { clock, accepted, url } = await startServer()
  const client = await openSocket(url)
  const socket = await accepted
  for (let interval = 0; interval < 10; interval++) {
    const pinged = once(client.socket, 'ping')
    await clock.advance(PING_MS)
    await pinged
  }
  expect(socket.readyState).toBe(socket.OPEN)
  client.socket.terminate()
})

test('terminates a client at the second ping without a pong', async () => {
  const { clock, accepted, url } = await startServer()
  const dead = await openRawSocket(url)
  const socket = await accepted
  await clock.advance(PING_MS)
  expect(socket.readyState).toBe(socket.OPEN)
  const closed = once(socket, 'close')
  await clock.advance(PING_MS)
  expect((await closed)[0]).toBe(1006)
  dead.destroy()
})

test('a pong that arrived while the process was blocked counts', async () => {
  const { clock, accepted, url } = await startServer()
  const client = await openSocket(url)
  const socket = await accepted
  // Both intervals are over before the event loop reads a socket again.
  await clock.advance(2 * PING_MS)
  await clock.advance(2 * PING_MS)
  expect(socket.readyState).toBe(socket.OPEN)
  client.socket.terminate()
})

/** A WebSocket server that pings its clients by a manual clock. */
async function startServer() {
  const clock = createManualClock()
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' })
  closing.push(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection').then(([client]) => client as WebSocket)
  void accepted.then(client => createKeepAlive(clock)(client))
  const { port } = server.address() as { port: number }
  return { clock, accepted, url: `http://127.0.0.1:${port}` }
}
