import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { RollDice } from './dice.js'
import type { GatewayOrder, GatewayReport, GatewaySettings } from './gateway-process.js'

/** Below the range of outgoing connections, so that a client that retries cannot occupy the port itself. */
const PORTS = { from: 20_000, to: 30_000 }
/** This many characters of a log show why a process ended. */
const LOG_EXCERPT = 2_000
/** Longer than a shutdown may take, in real milliseconds. */
const STOP_WITHIN_MS = 10_000

export type GatewayHost = Awaited<ReturnType<typeof startGatewayHost>>

/** Keeps one gateway process on one database and one port, through any number of deaths. */
export async function startGatewayHost(parts: {
  entry: string
  folder: string
  roll: RollDice
  /** Its number among the gateways of the run. */
  node: number
  settings: Pick<GatewaySettings, 'time' | 'seed' | 'databaseUrl' | 'joggUrl' | 'joggKey'>
}) {
  const { entry, folder, roll, node, settings } = parts
  const database = join(folder, 'gateway.db')
  const port = await freePort(roll, node)
  const logFile = join(folder, 'gateway.log')
  const log = await open(logFile, 'a')
  const children = new Set<ChildProcess>()
  let wallOffsetMs = 0
  let starts = 0
  let deafStops = 0
  let exit: Promise<unknown> = Promise.resolve()

  /** A process that is loaded and waits, so that the next gateway starts while requests to the dead one are under way. */
  const load = async () => {
    const child = fork(entry, { stdio: ['ignore', log.fd, log.fd, 'ipc'], execArgv: [] })
    children.add(child)
    child.once('exit', () => children.delete(child))
    await reported(child, 'loaded', logFile)
    return child
  }
  let spare = load()
  let running: ChildProcess | undefined

  const takeSpare = async () => {
    const child = await spare
    spare = load()
    // A failure is reported to whatever awaits the spare; until then it must not end this process.
    spare.catch(() => {})
    return child
  }
  const launch = async (child: ChildProcess, onPort: number) => {
    child.send({ ...settings, wallOffsetMs, port: onPort, start: starts++ } satisfies GatewaySettings)
    await reported(child, 'listening', logFile)
  }
  const start = async () => {
    const child = await takeSpare()
    running = child
    exit = once(child, 'exit')
    await launch(child, port)
  }
  const signal = async (name: 'SIGKILL' | 'SIGTERM') => {
    running?.kill(name)
    await exit
  }
  const stop = async () => {
    const timer = setTimeout(() => {
      deafStops++
      running?.kill('SIGKILL')
    }, STOP_WITHIN_MS)
    await signal('SIGTERM')
    clearTimeout(timer)
  }
  const order = (order: GatewayOrder) => {
    if (running?.connected) running.send(order)
  }

  await start()
  return {
    database,
    url: `http://127.0.0.1:${port}`,
    pid: () => running?.pid,
    /** The number of gateways that ran so far. */
    starts: () => starts,
    start,
    kill: () => signal('SIGKILL'),
    /** Asks it to shut down, and waits until it is gone. One that does not go is killed. */
    stop,
    /** How many gateways did not shut down when asked. */
    deafStops: () => deafStops,
    /** Suspends it, like a machine that goes to sleep. */
    freeze: () => running?.kill('SIGSTOP'),
    thaw: () => running?.kill('SIGCONT'),
    order,
    /** Steps the wall clock of the running gateway, and of those to come. */
    setWallOffset(ms: number) {
      wallOffsetMs = ms
      order({ wallOffsetMs })
    },
    /** Starts a second gateway on the same database. Returns the error with which it ended, or null when it served. */
    async startSecond(): Promise<string | null> {
      const child = await takeSpare()
      const gone = once(child, 'exit')
      try {
        await launch(child, await freePort(roll, node))
        return null
      } catch (thrown) {
        return (thrown as Error).message
      } finally {
        child.kill('SIGKILL')
        await gone
      }
    },
    async [Symbol.asyncDispose]() {
      await spare.catch(() => {})
      await Promise.all(
        [...children].map(async child => {
          const gone = once(child, 'exit')
          child.kill('SIGKILL')
          await gone
        }),
      )
      await log.close()
    },
  }
}

/** Resolves when the process reports this. Rejects with its error, or the end of its log, when it ends instead. */
function reported(child: ChildProcess, what: 'loaded' | 'listening', logFile: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (report: GatewayReport) => {
      if (report === what) settle(resolve)
      else if (typeof report === 'object') settle(() => reject(new Error(report.failed)))
    }
    const onExit = () => {
      const excerpt = readFileSync(logFile, 'utf8').slice(-LOG_EXCERPT)
      settle(() => reject(new Error(`the gateway process ended before it was ${what}:\n${excerpt}`)))
    }
    const settle = (done: () => void) => {
      child.off('message', onMessage).off('exit', onExit)
      done()
    }
    child.on('message', onMessage).on('exit', onExit)
  })
}

async function freePort(roll: RollDice, node: number): Promise<number> {
  const { between } = roll('port', process.pid, node)
  for (;;) {
    const port = Math.floor(between(PORTS.from, PORTS.to))
    const server = createServer()
    const free = await new Promise<boolean>(resolve =>
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
    )
    await new Promise(resolve => server.close(resolve))
    if (free) return port
  }
}
