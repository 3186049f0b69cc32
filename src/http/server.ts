import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { awaitContinue } from './continue.js'
import { type Edge, refuseUpgrade } from './edge.js'
import { pathOf } from './router.js'
import { LONGEST_UPLOAD_MS, UPLOAD_PATH } from './upload.js'

/** The longest time in which a request other than an upload is received: Node's own default. */
const LONGEST_REQUEST_MS = 300_000

export interface Server extends AsyncDisposable {
  readonly port: number
}

/** Listens on a port of its own. Disposing stops accepting connections and closes the idle ones. */
export async function startServer(edge: Edge, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer({ requestTimeout: LONGEST_UPLOAD_MS }, (req, res) => {
    if (!isUpload(req)) limitTime(req, res)
    edge.listener(req, res)
  })
  server.on('checkContinue', (req, res) => {
    // An upload is refused before its bytes are sent; every other body is small.
    if (isUpload(req)) awaitContinue(req)
    else {
      limitTime(req, res)
      res.writeContinue()
    }
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

function isUpload(req: IncomingMessage): boolean {
  return req.method === 'PUT' && pathOf(req).startsWith(UPLOAD_PATH)
}

/** Limits the time of a body: Node's own limit is the same for all requests, and has to allow an upload. */
function limitTime(req: IncomingMessage, res: ServerResponse): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if (encoding === undefined && !Number(length)) return
  const cut = () => {
    if (req.complete) return
    if (res.headersSent) req.destroy()
    else res.writeHead(408, { connection: 'close' }).end(() => req.destroy())
  }
  const timer = setTimeout(cut, LONGEST_REQUEST_MS)
  req.once('close', () => clearTimeout(timer))
}
