// The gateway in a plain node:http server.
import { createServer } from 'node:http'
import { createGateway } from 'lipsync-gateway'

const port = Number(process.env.PORT ?? 3000)
const gateway = await createGateway({
  publicUrl: `http://127.0.0.1:${port}`,
  jogg: { apiKey: process.env.JOGG_API_KEY, baseUrl: process.env.JOGG_BASE_URL },
})

const server = createServer((req, res) => gateway.requestListener(req, res, () => res.end('The app itself')))
server.on('upgrade', (req, socket, head) => {
  if (!gateway.upgradeHandler(req, socket, head)) socket.destroy()
})
server.listen(port)
await gateway.start()

process.once('SIGTERM', async () => {
  server.close()
  await gateway[Symbol.asyncDispose]()
  server.closeAllConnections()
})
