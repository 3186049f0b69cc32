import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Router, refuse } from './router.js'

/** Listens on a port of its own. Disposing stops taking connections and closes the idle ones. */
export const startServer = async (router: Router, { host, port }: { host: string; port: number }) => {
  const server = createServer(router.listener)
  server.on('upgrade', (req, socket, head) => {
    if (!router.upgrade(req, socket, head)) refuse(socket, '404 Not Found')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      await router[Symbol.asyncDispose]()
      server.closeAllConnections()
      await closed
    },
  }
}
