/** The least that does the same work: node:http, ws, prepared statements and no GraphQL. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { listening } from './listening.mjs'
import { openStore } from './store.mjs'

const store = openStore()
const followers = new Map()

const server = createServer(async (req, res) => {
  const result = await handle(req)
  const body = JSON.stringify({ data: result })
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
})
const sockets = new WebSocketServer({ server, handleProtocols: () => 'graphql-transport-ws' })
sockets.on('connection', socket => socket.on('message', data => receive(socket, JSON.parse(data))))
server.listen(0, '127.0.0.1', () => listening(server.address().port))

async function handle(req) {
  const [, , name, id] = req.url.split('/')
  if (name === 'create') return store.create(JSON.parse(await bodyOf(req)))
  if (name === 'advance') return advance(id)
  return name === 'list' ? store.list(20) : store.get(id)
}

function advance(id) {
  const { cursor, stage, task } = store.advance(id)
  const data = { taskUpdated: { cursor, stage, task: { id: task.id, status: task.status } } }
  const message = JSON.stringify({ id: '1', type: 'next', payload: { data } })
  for (const socket of followers.get(id) ?? []) socket.send(message)
  return true
}

function receive(socket, { type, payload }) {
  if (type === 'connection_init') return socket.send('{"type":"connection_ack"}')
  const { id } = payload.variables
  if (!followers.has(id)) followers.set(id, new Set())
  followers.get(id).add(socket)
  socket.on('close', () => followers.get(id).delete(socket))
}

async function bodyOf(req) {
  let body = ''
  for await (const chunk of req.setEncoding('utf8')) body += chunk
  return body
}
