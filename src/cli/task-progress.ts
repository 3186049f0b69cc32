import type { WriteStream } from 'node:tty'

const TICK_MS = 200
/** Where the output is not a terminal, each line stays, so there are fewer. */
const LINE_MS = 5_000

/** Prints the stages of a task with their times, and between them the progress and the time that has passed. */
export function createTaskProgress(out: WriteStream) {
  const began = Date.now()
  let last = ''
  let current = ''
  let timer: NodeJS.Timeout | undefined

  function seconds(): string {
    return `${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s`
  }

  function clear(): void {
    if (out.isTTY) out.write('\r\x1b[K')
  }

  function tick(): void {
    clear()
    out.write(`${seconds()}  … ${current}${out.isTTY ? '' : '\n'}`)
  }

  function print(line: string): void {
    clear()
    out.write(`${line}\n`)
  }

  return {
    print,
    /** @param share the part of the work that is done, 0 to 1 */
    step(stage: string, share: number | null) {
      if (stage !== last) print(`${seconds()}  ${stage}`)
      last = stage
      current = share ? `${stage.toLowerCase()}, ${Math.round(100 * share)} %` : `waiting, ${stage.toLowerCase()}`
      timer ??= setInterval(tick, out.isTTY ? TICK_MS : LINE_MS)
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      clear()
    },
  }
}
