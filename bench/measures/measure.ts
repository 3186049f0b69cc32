import type { Contestant, Running } from '../contestants.js'
import type { Figures } from '../load.js'

/** How much is done in one round. */
export interface Sizes {
  readonly reads: number
  readonly lists: number
  readonly creates: number
  readonly followers: number
  readonly idleFollowers: number
}

/** A measure of a running server, repeated in turns. */
export interface Measure {
  readonly name: string
  run(server: Running, sizes: Sizes): Promise<Figures>
}

/** A measure that starts the server itself. */
export interface StartMeasure {
  readonly name: string
  /** Whether one run is enough. */
  readonly once: boolean
  run(contestant: Contestant, sizes: Sizes): Promise<Figures>
}
