import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'

export interface Message {
  type: string
  id?: string
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape of what it asked for
  payload?: any
}

export interface SocketOptions {
  /** @default 'graphql-transport-ws' */
  protocol?: string | undefined
  /** The page it claims to come from. @default none */
  origin?: string | undefined
}

/** A WebSocket that speaks the protocol by hand, for wrong messages too. Rejects when the handshake is rejected. */
export async function openSocket(url: string, { protocol = 'graphql-transport-ws', origin }: SocketOptions = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol || [], origin ? { origin } : {})
  const arrived: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  socket.on('message', (data: RawData) => {
    const message: Message = JSON.parse(data.toString())
    const wake = waiting.shift()
    if (wake) wake(message)
    else arrived.push(message)
  })
  const closed = new Promise<{ code: number; reason: string }>(resolve =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  await once(socket, 'open')
  socket.on('error', () => {})
  const send = (message: Message | string) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  const next = async () => arrived.shift() ?? new Promise<Message>(resolve => waiting.push(resolve))

  return {
    socket,
    send,
    /** The next message from the server. */
    next,
    /** The code and the reason of the close. */
    closed,
    async init() {
      send({ type: 'connection_init' })
      await next()
    },
    /** Starts an operation; its messages come with `next`. */
    ask: (id: string, query: string, variables?: object) =>
      send({ type: 'subscribe', id, payload: { query, ...(variables && { variables }) } }),
  }
}

/** A bare connection after a WebSocket handshake, which sends nothing by itself. */
export async function openRawSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  const handshake = [
    'GET /graphql HTTP/1.1',
    `host: ${hostname}:${port}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol: graphql-transport-ws',
  ]
  socket.write(`${handshake.join('\r\n')}\r\n\r\n`)
  await once(socket, 'readable')
  return socket
}
