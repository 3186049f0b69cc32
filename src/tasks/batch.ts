import type { Status } from './task.js'

/** One video with many audio tracks: tasks that were accepted together, all or none. */
export interface Batch {
  /** A UUIDv7. */
  readonly id: string
  readonly caller: string
  /** The number of its tasks. */
  readonly size: number
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
}

/** What became of the tasks of a batch. */
export interface BatchCounts {
  readonly tasks: Readonly<Record<Status, number>>
  /** What the results cost, in hundredths of a credit. */
  readonly spentCents: number
  /** What is reserved for tasks that are not final. */
  readonly reservedCents: number
}

export const MOST_TRACKS = 500
