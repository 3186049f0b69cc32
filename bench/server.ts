/** One of the two servers that `bench.ts` compares, in a process of its own. Tells its port, and its CPU time when asked. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eq, sql } from 'drizzle-orm'
import { uuidv7 } from 'uuidv7'
import { WebSocketServer } from 'ws'
import { createGateway } from '../src/index.js'
import { openDatabase } from '../src/store/sqlite/database.js'
import { tasks, transitions } from '../src/store/sqlite/tables.js'
import { addUsage } from '../src/store/sqlite/usage.js'

const [, , kind, databaseUrl = ''] = process.argv

/** The gateway without its pollers, so that nothing but the calls makes work. */
const gatewayServer = async () => {
  const jogg = { apiKey: 'key', baseUrl: 'http://127.0.0.1:9' }
  const gateway = await createGateway({ databaseUrl, jogg, webSocket: { maxConnections: 10_000 }, logLevel: 'silent' })
  const server = createServer(gateway.requestListener)
  return server.on('upgrade', gateway.upgradeHandler)
}

/** The least that does the same: the same rows written and read, one message to each socket. */
const bareServer = () => {
  const { sqlite, db } = openDatabase(databaseUrl)
  const at = (name: string) => sql.placeholder(name)
  const inputs = { videoUrl: at('videoUrl'), audioUrl: at('audioUrl'), playbackType: 'normal' as const }
  const account = { caller: 'open', reservedCents: 48 }
  const row = { id: at('id'), ...account, ...inputs, createdAt: at('now'), queuedAt: at('now'), seq: 0 }
  const insert = db
    .insert(tasks)
    .values({ ...row, stage: 'queued', status: 'PENDING' })
    .prepare()
  const step = { taskId: at('id'), caller: 'open', at: at('now'), queuedAt: at('now'), stage: 'queued' as const }
  const append = db.insert(transitions).values(step).returning({ seq: transitions.seq }).prepare()
  const number = db
    .update(tasks)
    .set({ seq: sql`${at('seq')}` })
    .where(eq(tasks.id, at('id')))
    .prepare()
  const select = db
    .select()
    .from(tasks)
    .where(eq(tasks.id, at('id')))
    .prepare()

  const write = sqlite.transaction((task: { id: string; now: number }) => {
    insert.run(task)
    const { seq } = append.get(task)
    number.run({ id: task.id, seq })
    addUsage(db, { caller: 'open', createdAt: task.now, reservedCents: 48 })
    return seq
  })
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', socket => socket.on('message', () => socket.send('{"type":"connection_ack"}')))

  const server = createServer(async (req, res) => {
    res.setHeader('content-type', 'application/json')
    if (req.method === 'GET') return res.end(JSON.stringify(select.get({ id: req.url?.slice(1) })))
    const { videoUrl, audioUrl } = JSON.parse(await bodyOf(req))
    const id = uuidv7()
    const seq = write.immediate({ id, videoUrl, audioUrl, now: Date.now() } as { id: string; now: number })
    const message = JSON.stringify({
      type: 'next',
      payload: { data: { taskUpdated: { id, stage: 'QUEUED', cursor: `${seq}` } } },
    })
    for (const socket of sockets.clients) socket.send(message)
    res.end(JSON.stringify({ id }))
  })
  return server.on('upgrade', (req, socket, head) =>
    sockets.handleUpgrade(req, socket, head, client => sockets.emit('connection', client)),
  )
}

const bodyOf = async (req: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const chunk of req.setEncoding('utf8')) body += chunk
  return body
}

const server = kind === 'gateway' ? await gatewayServer() : bareServer()
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system })
})
process.on('disconnect', () => process.exit())
