import { readdirSync, readFileSync } from 'node:fs'

/** What a process and those it started have used. */
export interface Cost {
  /** Processor time of all cores, in seconds. */
  readonly cpuSeconds: number
  /** At peak, in MB. */
  readonly peakMb: number
}

const TICKS_PER_SECOND = 100
const EVERY_MS = 50

/** Watches a process that leads a group, by Linux's `/proc`. Answers what it had used when it was last seen. */
export const watchCost = (group: number): (() => Cost) => {
  const cpu = new Map<number, number>()
  const peak = new Map<number, number>()
  const look = () => {
    for (const pid of readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)) {
      const stat = read(`/proc/${pid}/stat`)
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(fields[2]) !== group) continue
      cpu.set(pid, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND)
      const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`)) ?? []
      if (kilobytes) peak.set(pid, Number(kilobytes) / 1024)
    }
  }
  const timer = setInterval(look, EVERY_MS)
  const sum = (values: Map<number, number>) => [...values.values()].reduce((total, value) => total + value, 0)
  return () => {
    clearInterval(timer)
    return { cpuSeconds: sum(cpu), peakMb: sum(peak) }
  }
}

/** A process may end between two looks. */
const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
