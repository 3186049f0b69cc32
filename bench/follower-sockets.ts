import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pMap from 'p-map'

/**
 * Followers of tasks over WebSockets of their own, by the graphql-transport-ws protocol. They are plain sockets that
 * only count, so that 10,000 of them cost the measuring process little.
 */
export interface Followers extends Disposable {
  /** Called for each event from now on. */
  onEvent(listener: () => void): void
}

const FOLLOW = 'subscription Follow($id: ID!) { taskUpdated(id: $id) { cursor stage task { id status } } }'
const AT_A_TIME = 50
const QUIET_MS = 500

const [TEXT, CLOSE, PING, PONG] = [1, 8, 9, 10]

/** Opens the followers, each of one of the tasks. Resolves when all are in place and have the events so far. */
export async function openFollowers(url: string, count: number, ids: readonly string[]): Promise<Followers> {
  let last = performance.now()
  let listener = () => {
    last = performance.now()
  }
  const sockets = await pMap(
    Array.from({ length: count }).keys(),
    index => openFollower(new URL(url), ids[index % ids.length] ?? '', () => listener()),
    { concurrency: AT_A_TIME },
  )
  last = performance.now()
  while (performance.now() - last < QUIET_MS) await sleep(QUIET_MS / 5)
  return {
    onEvent(next) {
      listener = next
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Resolves when the server has answered a ping that was sent after the subscription. */
function openFollower({ hostname, port }: URL, id: string, onEvent: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    const failed = (reason: string) => reject(new Error(`A follower failed: ${reason}`))
    socket.once('error', error => failed(error.message))
    socket.once('close', () => failed('closed'))
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    )
    readFrames(socket, (opcode, payload) => {
      if (opcode === PONG) resolve(socket)
      else if (opcode === PING) socket.write(frame(PONG, payload))
      else if (opcode === CLOSE) failed(payload.subarray(2).toString())
      else if (opcode === TEXT && payload.includes('"type":"next"')) onEvent()
      else if (payload.includes('connection_ack')) {
        const subscribe = { id: '1', type: 'subscribe', payload: { query: FOLLOW, variables: { id } } }
        socket.write(frame(TEXT, JSON.stringify(subscribe)))
        socket.write(frame(PING, ''))
      } else if (payload.includes('"type":"error"')) failed(payload.toString())
    })
    socket.write(frame(TEXT, '{"type":"connection_init"}'))
  })
}

/** Reads the frames that follow the response to the upgrade. A server's frames are not masked. */
function readFrames(socket: Socket, onFrame: (opcode: number, payload: Buffer) => void): void {
  let isOpen = false
  let data = Buffer.alloc(0)
  socket.on('data', chunk => {
    data = data.length > 0 ? Buffer.concat([data, chunk]) : chunk
    if (!isOpen) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) return
      isOpen = true
      data = data.subarray(end + 4)
    }
    while (data.length >= 2) {
      const short = (data[1] ?? 0) & 127
      const head = short === 126 ? 4 : 2
      if (data.length < head) return
      const end = head + (short === 126 ? data.readUInt16BE(2) : short)
      if (data.length < end) return
      onFrame((data[0] ?? 0) & 15, data.subarray(head, end))
      data = data.subarray(end)
    }
  })
}

/** A client's frame, masked with zeros. */
function frame(opcode: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload)
  const isLong = body.length > 125
  const head = Buffer.alloc(isLong ? 8 : 6)
  head[0] = 128 | opcode
  head[1] = 128 | (isLong ? 126 : body.length)
  if (isLong) head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, body])
}
