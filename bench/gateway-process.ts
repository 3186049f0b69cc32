import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const TICKS_PER_SECOND = 100

/** The built gateway, as `npm start` runs it, in a process of its own. */
export interface GatewayProcess extends AsyncDisposable {
  readonly url: string
  /** Log lines of level `warn` and above, by message. */
  readonly warnings: ReadonlyMap<string, number>
  /** Processor time used so far, in seconds. */
  cpuSeconds(): number
  /** Resident memory, in MB. */
  residentMb(): number
}

/** Starts it on a free loopback port and resolves when it listens. Disposing it sends SIGTERM and waits for the exit. */
export async function startGatewayProcess(env: Record<string, string>): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [CLI, 'serve'], {
    env: { PATH: process.env.PATH, ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const warnings = new Map<string, number>()
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`The gateway ended with exit code ${code}.`)))
    createInterface({ input: child.stdout }).on('line', line => {
      const { level, msg, url } = JSON.parse(line) as { level: number; msg: string; url?: string }
      if (level >= 40) warnings.set(msg, (warnings.get(msg) ?? 0) + 1)
      if (url && msg.startsWith('listening')) resolve(new URL(url).origin)
    })
  })
  return {
    url,
    warnings,
    cpuSeconds: () => cpuSecondsOf(child),
    residentMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Creates an API key in the database that `env` names. */
export function createKey(env: Record<string, string>, caller: string): string {
  const key = execFileSync(process.execPath, [CLI, 'keys', 'create', caller], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return key.trim()
}

function cpuSecondsOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
