import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Edge, refuseUpgrade } from './edge.js'

export interface Server extends AsyncDisposable {
  readonly port: number
}

/** Listens on a port of its own. Disposing stops accepting connections and closes the idle ones. */
export async function startServer(edge: Edge, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer((req, res) => edge.listener(req, res))
  server.on('upgrade', (req, socket, head) => {
    if (!edge.upgrade(req, socket, head)) refuseUpgrade(socket, '404 Not Found')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      await edge[Symbol.asyncDispose]()
      server.closeAllConnections()
      await closed
    },
  }
}
