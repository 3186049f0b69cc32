import { fork } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { compiled } from './compiled.js'

/** Runs a script of this folder as a process that ends with the test at the latest. */
export function startChild(script: string, ...args: string[]) {
  const child = fork(compiled(`test/support/${script}`), args, { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  onTestFinished(kill)
  return {
    pid: child.pid,
    /** The first message of the script. */
    message: once(child, 'message').then(([message]) => String(message)),
    /** The exit code; null when it was killed. */
    exitCode: exited.then(([code]) => code as number | null),
    kill,
  }
}
