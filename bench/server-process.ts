import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const PROBE = fileURLToPath(new URL('probe.mjs', import.meta.url))

/** What a server has used so far: processor time of all its threads, and resident memory. */
export interface Usage {
  readonly cpuMicros: number
  readonly residentBytes: number
}

/** A measured server in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  /** Time from the spawn to the log line that reports the URL, in milliseconds. */
  readonly startMs: number
  /** Log lines of level `warn` and above, by message. */
  readonly warnings: ReadonlyMap<string, number>
  usage(): Promise<Usage>
  /** The usage after a garbage collection. */
  usageCollected(): Promise<Usage>
}

/** Runs a script that logs its URL as JSON. Disposing it sends SIGTERM and waits for the exit. */
export async function startServerProcess(
  command: readonly string[],
  env: Record<string, string>,
): Promise<ServerProcess> {
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', PROBE, ...command], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const warnings = new Map<string, number>()
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`${command.join(' ')} ended with exit code ${code}.`)))
    createInterface({ input: child.stdout as Readable }).on('line', line => {
      const { level, msg, url } = JSON.parse(line) as { level: number; msg: string; url?: string }
      if (level >= 40) warnings.set(msg, (warnings.get(msg) ?? 0) + 1)
      if (url && msg.startsWith('listening')) resolve(new URL(url).origin)
    })
  })
  return {
    pid: child.pid ?? 0,
    url,
    startMs: performance.now() - began,
    warnings,
    usage: () => ask(child, 'usage'),
    async usageCollected() {
      await ask(child, 'collect')
      return ask(child, 'collect')
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

async function ask(child: ChildProcess, question: 'usage' | 'collect'): Promise<Usage> {
  const answer = once(child, 'message')
  child.send(question)
  return (await answer)[0] as Usage
}
