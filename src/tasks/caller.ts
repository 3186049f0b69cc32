/** What a caller may do: look at tasks; make, cancel and retry them; settle any task by its id and see the gateway's own state. */
export const SCOPES = ['read', 'create', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** How much a caller may use. `null`: as much as it likes. */
export interface CallerLimits {
  /** Creates in a minute, counted from the first. */
  readonly createsPerMinute: number | null
  /** Tasks that wait to be sent. */
  readonly waitingTasks: number | null
  /** WebSockets at a time. */
  readonly sockets: number | null
  /** Subscriptions at a time, over WebSockets and event streams together. */
  readonly subscriptions: number | null
  /** JoggAI's credits in a calendar month (UTC). */
  readonly monthlyCredits: number | null
}

/** Which of its caller's tasks a watch token shows. */
export type TaskRestriction = { readonly taskIds: readonly string[] } | { readonly reference: string }

/** Who calls: whose tasks it canSee, and what it may do. */
export interface Caller {
  readonly id: string
  readonly scopes: ReadonlySet<Scope>
  readonly limits: CallerLimits
  /** Null: all of the caller's tasks. */
  readonly restriction: TaskRestriction | null
}

export const UNLIMITED: CallerLimits = {
  createsPerMinute: null,
  waitingTasks: null,
  sockets: null,
  subscriptions: null,
  monthlyCredits: null,
}

/** The one caller of a gateway that asks nobody who they are. */
export const OPEN_CALLER: Caller = { id: 'open', scopes: new Set(SCOPES), limits: UNLIMITED, restriction: null }
