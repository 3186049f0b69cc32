import type { WriteStream } from 'node:tty'

const TICK_MS = 200
/** Without a terminal a line stays: fewer of them. */
const LINE_MS = 5_000

/** Prints what happened and when, and in between how far it is and for how long. */
export const createProgress = (out: WriteStream) => {
  const began = Date.now()
  let last = ''
  let current = ''
  const seconds = () => `${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s`
  const clear = () => out.isTTY && out.write('\r\x1b[K')
  const tick = () => {
    if (out.isTTY) out.write(`\r\x1b[K${seconds()}  … ${current}`)
    else out.write(`${seconds()}  … ${current}\n`)
  }
  let timer: NodeJS.Timeout | undefined

  const print = (line: string) => {
    clear()
    out.write(`${line}\n`)
  }
  return {
    print,
    /** @param share how much is done, 0 to 1 */
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
