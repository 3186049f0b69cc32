import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { JobLimits } from './job-limits.js'
import type { LipSyncOutcome, WorkerInput, WorkerReport } from './worker/messages.js'

/** How a worker process ended. `message` is for the caller, `detail` for the log. */
export type WorkerEnd =
  | { readonly status: 'success'; readonly outcome: LipSyncOutcome }
  | { readonly status: 'failed'; readonly message: string; readonly detail?: string }
  | { readonly status: 'stopped' }

const CRASHED = 'The engine crashed while it made the video.'
const STDERR_CHARACTERS = 4_000

/**
 * Runs one job in a process of its own, and kills the process with everything it started when the job is done, takes too
 * long or is stopped. Resolves when the process is gone; never rejects.
 */
export async function runWorker(
  input: WorkerInput,
  stopping: AbortSignal,
  onProgress: (share: number) => void,
): Promise<WorkerEnd> {
  if (stopping.aborted) return { status: 'stopped' }
  const child = startWorker()
  const closed = once(child, 'close').catch((error: Error) => [error.message])
  const kill = () => killGroup(child)
  const timeLimit = createTimeLimit(input.limits, kill)
  let last: WorkerReport | null = null
  let stderr = ''
  child.on('message', (report: WorkerReport) => {
    if (report.type === 'audio') return timeLimit.set(report.seconds)
    if (report.type === 'progress') return onProgress(report.share)
    last = report
    kill()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS)
  })
  stopping.addEventListener('abort', kill)
  child.send(input, () => {}) // A failed send means that the process has ended, which is reported below.
  const [exit, signal] = await closed
  stopping.removeEventListener('abort', kill)
  timeLimit[Symbol.dispose]()
  kill() // A process that crashed may have left an FFmpeg behind.
  return stopping.aborted ? { status: 'stopped' } : endOf(last, timeLimit.passed, `exit ${exit ?? signal}: ${stderr}`)
}

function endOf(last: WorkerReport | null, timeLimitSeconds: number | null, detail: string): WorkerEnd {
  if (last?.type === 'success') return { status: 'success', outcome: last.outcome }
  if (last?.type === 'failed') return { ...last, status: 'failed' }
  if (last?.type === 'broken') return { status: 'failed', message: CRASHED, detail: last.detail }
  if (timeLimitSeconds === null) return { status: 'failed', message: CRASHED, detail }
  return { status: 'failed', message: `The job took longer than ${timeLimitSeconds.toFixed()} s and was stopped.` }
}

/**
 * The only variables that the worker and its FFmpeg get. The environment of the gateway contains secrets, and a file that
 * exploits FFmpeg must not be able to read them.
 */
const ENVIRONMENT = [
  ...['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'FONTCONFIG_PATH'],
  ...['TMPDIR', 'TEMP', 'TMP', 'LANG', 'LC_ALL', 'TZ', 'SystemRoot', 'windir'],
]

/** Compiled code runs by itself. The sources need the loader that this process runs under. */
function startWorker(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts')
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const entry = new URL(fromSource ? './worker/worker.ts' : './worker/worker.js', import.meta.url)
  return spawn(process.execPath, [...(fromSource ? ['--import', loader()] : []), fileURLToPath(entry)], {
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    env: Object.fromEntries(ENVIRONMENT.map(name => [name, process.env[name]])),
    detached: process.platform !== 'win32', // It leads a process group, so that one signal reaches its children too.
    windowsHide: true,
  })
}

function killGroup(child: ChildProcess): void {
  if (!child.pid) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group has ended already.
  }
}

/** Calls back when the job takes too long. Until the length of the audio is known, the longest allowed is assumed. */
function createTimeLimit(limits: JobLimits, onPassed: () => void) {
  const startedAt = performance.now()
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
        startedAt + seconds * 1000 - performance.now(),
      )
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
  limit.set(limits.durationSeconds)
  return limit
}
