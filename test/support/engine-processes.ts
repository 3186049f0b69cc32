import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import type { SubmitRequest } from '../../src/tasks/driver/upstream.js'
import { compiled } from './compiled.js'

/** Starts a process that runs the engine, and resolves when it has started the job. Leaving the scope kills it. */
export async function startHost(
  folder: string,
  job: SubmitRequest,
  ffmpegPath = '',
): Promise<{ pid: number } & AsyncDisposable> {
  const args = [compiled('test/support/engine-host.js'), folder, JSON.stringify(job), ffmpegPath]
  const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: host.stdout })) if (line.includes('job started')) break
  return {
    pid: host.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (host.kill('SIGKILL')) await once(host, 'exit')
    },
  }
}

/** Whether processes can be listed by `/proc`, which only Linux has. */
export const hasProc = process.platform === 'linux'

interface Process {
  readonly pid: number
  readonly parent: number
  readonly group: number
}

/** The running processes, without those that have ended and not been waited for by their parent. */
function processes(): Process[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      const stat = readProc(`${pid}/stat`)
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return !state || state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }]
    })
}

/** Returns an empty text when the process has ended. */
function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8')
  } catch {
    return ''
  }
}

/** The worker processes that a process has started. Each leads a process group. */
export function workersOf(parent: number): number[] {
  return processes()
    .filter(each => each.parent === parent && readProc(`${each.pid}/cmdline`).includes('worker/worker.'))
    .map(({ pid }) => pid)
}

export function membersOf(group: number): number[] {
  return processes()
    .filter(each => each.group === group)
    .map(({ pid }) => pid)
}

/** Resolves to the first worker process of a process, as soon as it runs. */
export async function workerOf(parent: number): Promise<number> {
  for (;;) {
    const [pid] = workersOf(parent)
    if (pid !== undefined) return pid
    await setTimeout(5)
  }
}

/** Watches the peak memory of a process. The returned function ends that and returns it, in MB. */
export function peakMegabytes(pid: number): () => number {
  let peak = 0
  const read = () => {
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readProc(`${pid}/status`))?.[1] ?? 0) / 1024)
  }
  const timer = setInterval(read, 5)
  return () => {
    clearInterval(timer)
    return peak
  }
}
