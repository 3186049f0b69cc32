import { type Clock, systemClock } from '../../src/clock.js'

/** What two processes share so that their accelerated clocks show the same time. */
export interface TimeBase {
  /** Wall time at which accelerated and real time were equal, in milliseconds since the Unix epoch. */
  readonly realBase: number
  /** Monotonic time of the machine at the same moment, in milliseconds. */
  readonly monotonicBase: number
  /** How many times faster than real time it runs. */
  readonly speed: number
}

export interface AcceleratedClock extends Clock {
  monotonic(): number
  /** Sets the wall clock this far ahead of the right time, or behind it when negative. Monotonic time goes on. */
  setWallOffset(ms: number): void
}

export function startTimeBase(speed: number): TimeBase {
  return { realBase: Date.now(), monotonicBase: systemMonotonic(), speed }
}

/** A clock that runs faster than the real one, so that minutes of pauses and windows take seconds. */
export function createAcceleratedClock({ realBase, monotonicBase, speed }: TimeBase, wallOffset = 0): AcceleratedClock {
  let offset = wallOffset
  const elapsed = () => (systemMonotonic() - monotonicBase) * speed
  return {
    isShared: true,
    now: () => Math.round(realBase + elapsed() + offset),
    monotonic: () => Math.round(monotonicBase + elapsed()),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    setWallOffset(ms) {
      offset = ms
    },
  }
}

/** Counted from boot on Linux, so that all processes agree. */
function systemMonotonic(): number {
  return Number(process.hrtime.bigint()) / 1_000_000
}
