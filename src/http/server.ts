import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { awaitContinue } from './continue.js'
import { type Edge, refuseUpgrade } from './edge.js'
import { pathOf } from './router.js'
import { LONGEST_UPLOAD_MS, UPLOAD_PATH } from './upload.js'

export interface Server extends AsyncDisposable {
  readonly port: number
}

/** Listens on a port of its own. Disposing stops accepting connections and closes the idle ones. */
export async function startServer(edge: Edge, { host, port }: { host: string; port: number }): Promise<Server> {
  // Node's own limit for a whole request would cut a large upload.
  const server = createServer({ requestTimeout: LONGEST_UPLOAD_MS }, (req, res) => edge.listener(req, res))
  server.on('checkContinue', (req, res) => {
    // An upload is refused before its bytes are sent; every other body is small.
    if (req.method === 'PUT' && pathOf(req).startsWith(UPLOAD_PATH)) awaitContinue(req)
    else res.writeContinue()
    edge.listener(req, res)
  })
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
