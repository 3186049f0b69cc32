import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { RollDice } from './dice.js'
import type { GatewaySettings } from './gateway-process.js'

/** Below the range that outgoing connections take theirs from: a client that retries must not sit on it itself. */
const PORTS = { from: 20_000, to: 30_000 }
/** So many characters of a log tell why a process ended. */
const LAST_WORDS = 2_000

/** Keeps one gateway process on one database and one port, through any number of deaths. */
export const startGatewayHost = async (parts: {
  entry: string
  folder: string
  roll: RollDice
  settings: Omit<GatewaySettings, 'life' | 'port' | 'database'>
}) => {
  const { entry, folder, roll, settings } = parts
  const database = join(folder, 'gateway.db')
  const port = await freePort(roll)
  const logFile = join(folder, 'gateway.log')
  const log = await open(logFile, 'a')
  const children = new Set<ChildProcess>()
  let lives = 0
  let exit: Promise<unknown> = Promise.resolve()

  /** Loaded and waiting, so that a dead gateway is followed by the next at once, while its requests are under way. */
  const load = async () => {
    const child = fork(entry, { stdio: ['ignore', log.fd, log.fd, 'ipc'], execArgv: [] })
    children.add(child)
    child.once('exit', () => children.delete(child))
    await told(child, 'loaded', logFile)
    return child
  }
  let spare = load()
  let running: ChildProcess | undefined

  const start = async () => {
    const child = await spare
    running = child
    exit = once(child, 'exit')
    child.send({ ...settings, database, port, life: lives++ } satisfies GatewaySettings)
    await told(child, 'listening', logFile)
    spare = load()
    // Whoever awaits the spare hears of its end; until then it must not end this process.
    spare.catch(() => {})
  }
  const signal = async (name: 'SIGKILL' | 'SIGTERM') => {
    running?.kill(name)
    await exit
  }

  await start()
  return {
    database,
    url: `http://127.0.0.1:${port}`,
    /** How many gateways ran so far. */
    lives: () => lives,
    start,
    /** Kills it without a word, and waits until it is gone. */
    kill: () => signal('SIGKILL'),
    /** Asks it to go, and waits until it is gone. */
    stop: () => signal('SIGTERM'),
    /** Makes it stand still, as a machine does that is suspended. */
    freeze: () => running?.kill('SIGSTOP'),
    thaw: () => running?.kill('SIGCONT'),
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

export type GatewayHost = Awaited<ReturnType<typeof startGatewayHost>>

/** Resolves when the process says so; rejects with the end of its log when it ends instead. */
const told = (child: ChildProcess, what: string, logFile: string) =>
  new Promise<void>((resolve, reject) => {
    const hear = (message: unknown) => message === what && settle(resolve)
    const lastWords = () => readFileSync(logFile, 'utf8').slice(-LAST_WORDS)
    const die = () =>
      settle(() => reject(new Error(`the gateway process ended before it was ${what}:\n${lastWords()}`)))
    const settle = (done: () => void) => {
      child.off('message', hear).off('exit', die)
      done()
    }
    child.on('message', hear).on('exit', die)
  })

const freePort = async (roll: RollDice): Promise<number> => {
  const { between } = roll('port', process.pid)
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
