import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { Edge } from '../../src/http/edge.js'
import { startServer } from '../../src/http/server.js'

afterEach(() => void vi.useRealTimers())

const FIVE_MINUTES_MS = 300_000

test.each([
  ['POST /graphql', 'HTTP/1.1 408 Request Timeout'],
  ['PUT /uploads/token', 'HTTP/1.1 200 OK'],
])('the response to %s whose body takes 5 minutes is %s', async (request, status) => {
  const requests = new EventEmitter()
  await using server = await startServer(
    edgeThatReads(() => requests.emit('request')),
    { host: '127.0.0.1', port: 0 },
  )
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const socket = connect(server.port, '127.0.0.1')
  const arrived = once(requests, 'request')
  socket.write(`${request} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{`)
  await arrived
  vi.advanceTimersByTime(FIVE_MINUTES_MS)
  const response = once(socket, 'data')
  socket.write('}')
  expect(String(await response).split('\r\n')[0]).toBe(status)
  socket.destroy()
})

/** Reads the body of a request before it responds. */
function edgeThatReads(onRequest: () => void): Edge {
  return {
    listener(req, res) {
      onRequest()
      req.resume().once('end', () => void (res.headersSent || res.end()))
    },
    upgrade: () => false,
    async [Symbol.asyncDispose]() {},
  }
}
