import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * `npm start` passes Ctrl-C on to a child that has it from the terminal already: signals this close together are one.
 */
const SAME_MS = 500

/** Aborts at the first signal that asks the process to end. A second one ends it at once. */
export const onInterrupt = (): AbortSignal => {
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

/** The exit code by which a shell knows that a signal ended a process. */
export const exitCodeOf = (signal: (typeof SIGNALS)[number]): number => 128 + constants.signals[signal]
