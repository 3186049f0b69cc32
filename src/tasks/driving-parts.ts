import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Journal } from './journal.js'
import type { TaskStore, Upstream } from './ports.js'
import type { Pace, Random } from './schedule.js'

/** What it takes to drive tasks through the upstream, for the lane and for the looks. */
export interface DrivingParts {
  store: TaskStore
  upstream: Upstream
  journal: Journal
  clock: Clock
  log: Logger
  random: Random
  pace: Pace
  /** The time limit of each call; what is still `submitting` well after that has lost its answer. */
  timeoutMs: number
  /** Cuts off the calls that are under way. */
  cut: AbortSignal
}
