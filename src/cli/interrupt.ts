import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** On Ctrl-C, a child of `npm start` gets two signals: one from the terminal and one from npm. They count as one. */
const SAME_MS = 500

/** Returns a signal that aborts when the process is first asked to end. The second time, the process ends at once. */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController()
  let firstAt = 0
  for (const name of SIGNALS)
    process.on(name, () => {
      if (!controller.signal.aborted) {
        firstAt = Date.now()
        controller.abort(name)
      } else if (Date.now() - firstAt > SAME_MS) process.exit(exitCodeOf(name))
    })
  return controller.signal
}

/** The exit code that means to a shell that a signal ended the process. */
export function exitCodeOf(signal: (typeof SIGNALS)[number]): number {
  return 128 + constants.signals[signal]
}
