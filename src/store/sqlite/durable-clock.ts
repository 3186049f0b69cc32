import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '../../clock.js'

/** Two readings of the same moment: of the machine's monotonic clock, which starts at boot, and of the store's. */
export interface ClockReading {
  readonly bootId: string
  readonly systemMono: number
  readonly mono: number
}

/**
 * The machine's clock with a monotonic time that continues where an earlier process left off. Within one boot of the
 * machine, the time between the two processes counts. After another boot it does not, because nothing reliable measures
 * it: deadlines then come later rather than too early.
 *
 * @param saved the reading of the earlier process
 * @param lastMono the latest time in the log, which is never ahead of the returned clock
 */
export function createDurableClock(systemClock: Clock, saved: ClockReading, lastMono: number, bootId: string): Clock {
  const systemMono = systemClock.monotonic()
  const elapsed = saved.bootId === bootId ? Math.max(systemMono - saved.systemMono, 0) : 0
  const offset = Math.max(saved.mono + elapsed, lastMono) - systemMono
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() + offset,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  }
}

/** Identifies the boot of this machine. Where the system has no such id, every process counts as a boot of its own. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}
