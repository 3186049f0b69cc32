import type { Logger } from 'pino'
import type { Clock } from '../../clock.js'
import type { TaskStore } from '../task-store.js'
import type { Transitions } from '../transitions.js'
import type { Pace, Random } from './poll-schedule.js'
import type { Upstream } from './upstream.js'

/** What it takes to drive tasks through the upstream, for the lane and for the looks. */
export interface DriverParts {
  store: TaskStore
  upstream: Upstream
  transitions: Transitions
  clock: Clock
  log: Logger
  random: Random
  pace: Pace
  /** The time limit of each call; what is still `submitting` well after that has lost its answer. */
  timeoutMs: number
  /** Cuts off the calls that are under way. */
  cut: AbortSignal
}
