import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerHonestly, type JoggRequest, understand } from './jogg-api.js'
import { createJoggJobs } from './jogg-jobs.js'
import type { Call, JoggAnswer, Play } from './jogg-plays.js'

export type { JoggRequest } from './jogg-api.js'
export * from './jogg-jobs.js'
export * from './jogg-plays.js'

export interface JoggOptions {
  /** @default Date.now */
  now?: () => number
  /** The only key that is accepted. @default 'test-key' */
  apiKey?: string
  /** Called for each request without a play: returns a play for it, or undefined for an honest answer. */
  improvise?: (request: JoggRequest) => Play['play'] | undefined
}

/**
 * JoggAI as a real HTTP server on loopback: honest and in memory, unless the test scripts its answers.
 *
 * A play is taken by the next request of its kind; a request without a play is answered honestly.
 */
export async function startJogg({ now = Date.now, apiKey = 'test-key', improvise }: JoggOptions = {}) {
  const jobs = createJoggJobs(now)
  const script: Play[] = []
  const requests: JoggRequest[] = []
  const held = new Set<() => void>()
  const watchers = new Set<() => void>()
  let connections = 0

  const changed = () => {
    for (const look of watchers) look()
  }
  /** Resolves as soon as `condition` holds. */
  const until = (condition: () => boolean) =>
    new Promise<void>(resolve => {
      const look = () => {
        if (!condition()) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })

  const nextPlay = (request: JoggRequest) => {
    const index = script.findIndex(play => play.on === request.call)
    return index < 0 ? improvise?.(request) : script.splice(index, 1)[0]?.play
  }

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const begin = ({ http = 200, headers, body }: JoggAnswer) => {
      const plain = typeof body === 'string' || body instanceof Uint8Array
      const bytes = Buffer.from(plain ? body : JSON.stringify(body))
      const date = new Date(now()).toUTCString()
      res.writeHead(http, { 'content-type': 'application/json', 'content-length': bytes.length, date, ...headers })
      return bytes
    }
    const send = (answer: JoggAnswer) => void res.end(begin(answer))
    const sendHalf = (answer: JoggAnswer) => {
      const bytes = begin(answer)
      res.write(bytes.subarray(0, bytes.length / 2))
    }
    const request = await understand(req, now())
    if (!request) return send({ http: 404, body: 'Not Found' })
    requests.push(request)
    const honest = (newId?: string) => answerHonestly(request, jobs, apiKey, newId)
    const play = nextPlay(request) ?? (() => send(honest()))
    const playing = play({
      jobs,
      taskId: request.taskId,
      honest,
      held: () =>
        new Promise(resolve => {
          held.add(resolve)
          res.once('close', () => held.delete(resolve))
        }),
      send,
      sendHalf,
      sendRaw: bytes => void req.socket.end(bytes),
      reset: () => req.socket.resetAndDestroy(),
    })
    changed()
    await playing
  }

  const server = createServer((req, res) => {
    // A client that is killed in the middle of its request must not end the double.
    serve(req, res).catch(() => req.socket.destroy())
  })
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    apiKey,
    jobs,
    requests,
    process: jobs.process,
    finish: jobs.finish,
    fail: jobs.fail,
    vanish: jobs.vanish,
    /** Appends to the script: each play is taken by the next request of its kind. */
    plays: (...plays: Play[]) => void script.push(...plays),
    /** How many connections were ever opened. */
    connections: () => connections,
    /** The requests of one kind so far. */
    calls: (call: Call) => requests.filter(request => request.call === call),
    /** Resolves when `count` requests of this kind have arrived since the start. */
    received: (call: Call, count = 1) => until(() => requests.filter(request => request.call === call).length >= count),
    /** Resolves when `count` requests are being held. */
    holding: (count = 1) => until(() => held.size >= count),
    /** Continues the held requests. */
    release() {
      for (const resolve of held) resolve()
      held.clear()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type Jogg = Awaited<ReturnType<typeof startJogg>>
