/** One of the two servers that `bench.ts` compares, in a process of its own. Tells its port, and its CPU time when asked. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { uuidv7 } from 'uuidv7'
import { WebSocketServer } from 'ws'
import { systemClock } from '../src/clock.js'
import { createGateway } from '../src/index.js'
import { openStore } from '../src/store/open-store.js'

const [, , kind, databaseUrl = ''] = process.argv

/** The gateway without its pollers, so that nothing but the calls makes work. */
const gatewayServer = async () => {
  const jogg = { apiKey: 'key', baseUrl: 'http://127.0.0.1:9' }
  const gateway = await createGateway({ databaseUrl, jogg, webSocket: { maxConnections: 10_000 }, logLevel: 'silent' })
  const server = createServer(gateway.requestListener)
  return server.on('upgrade', gateway.upgradeHandler)
}

/** The least that does the same: the same store, and one message to each socket. */
const bareServer = async () => {
  const log = pino({ level: 'silent' })
  const { tasks, clock } = await openStore({ databaseUrl, dataDir: '.' }, systemClock, log)
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', socket => socket.on('message', () => socket.send('{"type":"connection_ack"}')))

  const server = createServer(async (req, res) => {
    res.setHeader('content-type', 'application/json')
    if (req.method === 'GET') return res.end(JSON.stringify(await tasks.get(req.url?.slice(1) ?? '')))
    const { videoUrl, audioUrl } = JSON.parse(await bodyOf(req))
    const id = uuidv7()
    const [at, mono] = [clock.now(), clock.monotonic()]
    const created = await tasks.create(
      {
        ...{ id, stage: 'queued', caller: 'open', reservedCents: 48, reference: null, idempotencyKey: null },
        ...{
          retryOf: null,
          platform: null,
          videoSha256: null,
    batchId: null,
          audioSha256: null,
          videoUrl,
          audioUrl,
          playbackType: 'normal',
          createdAt: at,
          queuedAt: at,
          queuedMono: mono,
        },
      },
      { waitingTasks: null, monthlyCents: null },
    )
    const seq = 'seq' in created ? created.seq : 0
    const message = JSON.stringify({
      type: 'next',
      payload: { data: { tasksUpdated: { cursor: `0-${seq}`, stage: 'QUEUED', task: { id } } } },
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

const server = kind === 'gateway' ? await gatewayServer() : await bareServer()
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system })
})
process.on('disconnect', () => process.exit())
