// The gateway in a Fastify 5 app: it takes its own requests before Fastify sees them.
import { createServer } from 'node:http'
import fastify from 'fastify'
import { createGateway } from 'lipsync-gateway'

const port = Number(process.env.PORT ?? 3000)
const gateway = await createGateway({
  publicUrl: `http://127.0.0.1:${port}`,
  jogg: { apiKey: process.env.JOGG_API_KEY, baseUrl: process.env.JOGG_BASE_URL },
})

const app = fastify({
  serverFactory: handler =>
    createServer((req, res) => gateway.requestListener(req, res, () => handler(req, res))).on(
      'upgrade',
      (req, socket, head) => {
        if (!gateway.upgradeHandler(req, socket, head)) socket.destroy()
      },
    ),
})
app.get('/', () => 'The app itself')
await app.listen({ port, host: '127.0.0.1' })
await gateway.start()

process.once('SIGTERM', async () => {
  await gateway[Symbol.asyncDispose]()
  app.server.closeAllConnections()
  await app.close()
})
