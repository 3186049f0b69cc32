import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Limits } from './job-limits.js'
import type { JobOrder, Made } from './worker/make-lip-sync.js'
import type { JobReport } from './worker/worker.js'

/** How a job's process ended. `detail` is for the log, `message` for the caller. */
export type ProcessEnd =
  | { readonly status: 'success'; readonly made: Made }
  | { readonly status: 'failed'; readonly message: string; readonly detail?: string }
  | { readonly status: 'stopped' }

const CRASHED = 'The engine crashed while it made the video.'
const STDERR_CHARACTERS = 4_000

/** Runs one job in a process of its own, for as long as it may take. Resolves when the process is gone; never rejects. */
export const runJobProcess = async (
  order: JobOrder,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<ProcessEnd> => {
  if (signal.aborted) return { status: 'stopped' }
  const child = forkChild()
  const closed = once(child, 'close').catch((error: Error) => [error.message])
  const kill = () => killGroup(child)
  const timeLimit = createTimeLimit(order.limits, kill)
  let last: JobReport | null = null
  let stderr = ''
  child.on('message', (report: JobReport) => {
    if (report.type === 'audio') return timeLimit.set(report.seconds)
    if (report.type === 'progress') return onProgress(report.share)
    last = report
    kill()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS)
  })
  signal.addEventListener('abort', kill)
  child.send(order, () => {}) // A failure to send is a process that ended, which is told below.
  const [exit, killedBy] = await closed
  signal.removeEventListener('abort', kill)
  timeLimit[Symbol.dispose]()
  kill() // The process may have left an FFmpeg behind when it crashed.
  return signal.aborted ? { status: 'stopped' } : endOf(last, timeLimit.passed, `exit ${exit ?? killedBy}: ${stderr}`)
}

const endOf = (last: JobReport | null, timeLimitSeconds: number | null, detail: string): ProcessEnd => {
  if (last?.type === 'success') return { status: 'success', made: last.made }
  if (last?.type === 'failed') return { status: 'failed', message: last.message }
  if (last?.type === 'broken') return { status: 'failed', message: CRASHED, detail: last.reason }
  if (timeLimitSeconds === null) return { status: 'failed', message: CRASHED, detail }
  return { status: 'failed', message: `It took longer than ${timeLimitSeconds.toFixed()} s, and was stopped.` }
}

/** From the sources the child needs the loader that this process runs under; compiled, it needs none. */
const forkChild = (): ChildProcess => {
  const fromSource = import.meta.url.endsWith('.ts')
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const entry = new URL(fromSource ? './worker/worker.ts' : './worker/worker.js', import.meta.url)
  return spawn(process.execPath, [...(fromSource ? ['--import', loader()] : []), fileURLToPath(entry)], {
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    detached: process.platform !== 'win32', // It leads a group, so that one signal reaches all it started.
    windowsHide: true,
  })
}

const killGroup = (child: ChildProcess): void => {
  if (!child.pid) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}

/** Calls back when the job takes too long; as long as the length of the audio is not known, it counts as the longest. */
const createTimeLimit = (limits: Limits, onPassed: () => void) => {
  const began = Date.now()
  let timer: NodeJS.Timeout | undefined
  let passed: number | null = null
  const limit = {
    /** The limit in seconds once it has passed. */
    get passed() {
      return passed
    },
    set(audioSeconds: number): void {
      clearTimeout(timer)
      const seconds = limits.jobSecondsPerSecond * audioSeconds + limits.jobSeconds
      timer = setTimeout(
        () => {
          passed = seconds
          onPassed()
        },
        began + seconds * 1000 - Date.now(),
      )
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
  limit.set(limits.durationSeconds)
  return limit
}
