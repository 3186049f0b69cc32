import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type ServerProcess, startServerProcess } from './server-process.js'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

/** Starts the built gateway as `npm start` runs it, on a free loopback port. */
export function startGatewayProcess(env: Record<string, string>): Promise<ServerProcess> {
  return startServerProcess([CLI, 'serve'], { ...env, PORT: '0' })
}

/** The environment of a gateway on a JoggAI double, with limits that a bench does not reach. */
export function environmentOf(folder: string, jogg: { readonly apiKey: string; readonly url: string }) {
  return {
    DATA_DIR: folder,
    JOGG_API_KEY: jogg.apiKey,
    JOGG_BASE_URL: jogg.url,
    LIMIT_CREATES_PER_MINUTE: '1000000',
    LIMIT_WAITING_TASKS: '1000000',
    LIMIT_SUBSCRIPTIONS: '10000',
    LIMIT_SOCKETS: '10000',
  }
}

/** Creates the tables of the database that `env` names. */
export function migrate(env: Record<string, string>): void {
  run(env, 'migrate')
}

/** Creates an API key in the database that `env` names. */
export function createKey(env: Record<string, string>, caller: string): string {
  return run(env, 'keys', 'create', caller).trim()
}

function run(env: Record<string, string>, ...command: string[]): string {
  return execFileSync(process.execPath, [CLI, ...command], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
