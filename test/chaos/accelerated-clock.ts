import { type Clock, systemClock } from '../../src/clock.js'

/** Where two processes meet in time: what both need to have one and the same accelerated clock. */
export interface TimeBase {
  /** The real moment at which the accelerated time and the real one were the same. Milliseconds since the Unix epoch. */
  readonly realBase: number
  /** How many times faster than the real time it runs. */
  readonly speed: number
}

/** A clock that runs faster than the real one, so that minutes of holds and windows last seconds, unchanged. */
export const createAcceleratedClock = ({ realBase, speed }: TimeBase): Clock => ({
  now: () => realBase + (Date.now() - realBase) * speed,
  // Shared by all processes of a run, as the machine's own is.
  monotonic: () => (performance.timeOrigin + performance.now() - realBase) * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
})
