import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What the tests read. */
const COPIED = ['src', 'test', 'drizzle', 'package.json', 'schema.graphql', 'tsconfig.json'] as const
/** Tests that take longer than this hang because of the mutant. */
const TIME_LIMIT_MS = 120_000
const TEST_TIMEOUT_MS = 15_000

export interface TestRun {
  readonly passed: boolean
  /** The first failed test, or the reason why none could be named. */
  readonly failure: string
}

export interface Workspace extends AsyncDisposable {
  read(file: string): Promise<string>
  write(file: string, source: string): Promise<void>
  /** Runs these test files up to the first failure. Ends early when `signal` aborts. */
  test(files: readonly string[], signal: AbortSignal): Promise<TestRun>
}

/** Copies the project to a temporary folder, with the installed packages linked. */
export async function createWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'lipsync-mutants-'))
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return {
    read: file => readFile(join(folder, file), 'utf8'),
    write: (file, source) => writeFile(join(folder, file), source),
    test: (files, signal) => runVitest(folder, files, signal),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function runVitest(folder: string, files: readonly string[], signal: AbortSignal): Promise<TestRun> {
  const limits = ['--bail', '1', '--maxWorkers', '1', '--testTimeout', String(TEST_TIMEOUT_MS)]
  const args = ['run', '--config', 'test/vitest.config.ts', '--reporter', 'default', ...limits, ...files]
  // A group of its own, so that a run that hangs is ended with all the processes it started.
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  let timedOut = false
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(() => {
    timedOut = true
    end()
  }, TIME_LIMIT_MS)
  signal.addEventListener('abort', end)
  try {
    const [output, errors, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { passed: exitCode === 0, failure: timedOut ? 'the tests hang' : firstFailure(output + errors) }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

function firstFailure(output: string): string {
  const failed = /^ *FAIL +(.*)$/m.exec(output)?.[1]
  return failed ?? (output.trim().split('\n').slice(-5).join('\n') || 'the tests ended without a word')
}
