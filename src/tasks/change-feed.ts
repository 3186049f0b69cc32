import type { Stage, Task } from './task.js'

/** Carries changes between the gateways on one database. */
export interface ChangeFeed {
  /** Reports a change of this gateway, after it was written. Neither waits nor fails. */
  publish(change: Change): void
  /**
   * Calls `listener` for each change of the other gateways. Each transition is reported, as a rule within milliseconds,
   * otherwise within about a second after the database can be reached; a transition may be reported twice, and any other
   * change may be lost.
   */
  onRemoteChange(listener: (change: Change) => void): void
}

/** What followers select by, of a task that changed, in its new stage. */
export type ChangedTask = Pick<Task, 'seq' | 'id' | 'caller' | 'stage' | 'reference' | 'retryOf' | 'createdAt'>

export type Change =
  /** `from` is null for a new task. */
  | { readonly kind: 'transition'; readonly task: ChangedTask; readonly from: Stage | null }
  /** Live values of a task changed. */
  | { readonly kind: 'refresh'; readonly taskId: string }
  /** An API key was created or revoked. */
  | { readonly kind: 'keys' }

/** The feed of a gateway that has its database to itself. */
export const NO_CHANGE_FEED: ChangeFeed = { publish: () => {}, onRemoteChange: () => {} }
