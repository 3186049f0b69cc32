import type { Inputs } from '../../src/tasks/task.js'
import type { RollDice } from './dice.js'

/** Less than the default, so that a run of seconds sees tasks that stall. */
export const STALL_AFTER_MINUTES = 2

/** What a client wants. */
export interface Order {
  readonly key: string
  readonly inputs: Inputs
  /** When it is placed, as a share of the time in which all are placed. */
  readonly at: number
  /** How long after the answer it is canceled, in milliseconds; null: it is not. */
  readonly cancelAfterMs: number | null
  /** Whether it is sent twice at the same time. */
  readonly doubled: boolean
  /** Whether a follower of its own follows it. */
  readonly followed: boolean
}

/** What becomes of the inputs at the upstream, beside the accidents on the way there. */
export type Fate = 'made' | 'failed' | 'late' | 'away' | 'vanished' | 'rejected'

const FATES = { made: 76, failed: 7, late: 5, away: 5, vanished: 3, rejected: 4 } as const
/** The share of orders that repeat another's inputs under a key of their own. */
const TWINS = 0.15
const TWIN_GROUPS = 2
/** Orders come this many at a time: more than the upstream takes in a minute. */
const BURST = 24

/** All orders of a run. Most have inputs of their own, so that each paid job is known to be for one of them. */
export function planOrders(roll: RollDice, count: number): Order[] {
  return Array.from({ length: count }, (_, index) => {
    const dice = roll('order', index)
    const twin = dice.chance(TWINS)
    const burst = Math.floor(index / BURST)
    const own = `${burst % 2 === 1 ? 'fair' : 'rough'}-${index}`
    const name = twin ? `twin-${Math.floor(dice.between(0, TWIN_GROUPS))}` : own
    return {
      key: `order ${index}`,
      inputs: {
        videoUrl: `https://media.example/${name}.mp4`,
        audioUrl: 'https://media.example/speech.mp3',
        playbackType: 'normal',
      },
      at: burst / Math.ceil(count / BURST),
      cancelAfterMs: dice.chance(0.15) ? dice.between(0, 60_000) : null,
      doubled: dice.chance(0.2),
      followed: dice.chance(0.4),
    }
  })
}

/** Every other burst meets an upstream in good order, so that it reaches the gateway's own rate limit. */
export function isFair({ videoUrl }: Inputs): boolean {
  return videoUrl.includes('/fair-')
}

export function isTwin({ videoUrl }: Pick<Inputs, 'videoUrl'>): boolean {
  return videoUrl.includes('/twin-')
}

export function fateOf(roll: RollDice, inputs: Inputs): Fate {
  const fate = roll('fate', inputs.videoUrl).pick(FATES)
  // With the latest of several equal jobs gone, the look-up would return an earlier one, which is not tested here.
  return isTwin(inputs) ? 'made' : fate
}
