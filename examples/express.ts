// The gateway in an Express 5 app, beside routes and WebSockets of the app's own.
import express from 'express'
import { createGateway } from 'lipsync-gateway'
import { WebSocketServer } from 'ws'

const port = Number(process.env.PORT ?? 3000)
const gateway = await createGateway({
  publicUrl: `http://127.0.0.1:${port}`,
  jogg: { apiKey: process.env.JOGG_API_KEY, baseUrl: process.env.JOGG_BASE_URL },
})

const app = express()
app.use(gateway.requestListener) // At the root, and before anything that reads request bodies.
app.use(express.json())
app.get('/', (_req, res) => void res.send('The app itself'))

const server = app.listen(port)
const sockets = new WebSocketServer({ noServer: true, path: '/own' })
sockets.on('connection', socket => socket.send("The app's own socket"))
server.on('upgrade', (req, socket, head) => {
  if (!gateway.upgradeHandler(req, socket, head))
    sockets.handleUpgrade(req, socket, head, client => sockets.emit('connection', client, req))
})
await gateway.start()

process.once('SIGTERM', async () => {
  server.close()
  for (const client of sockets.clients) client.terminate()
  await gateway[Symbol.asyncDispose]()
  server.closeAllConnections()
})
