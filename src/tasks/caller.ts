/** The permissions of a caller, and what each allows. */
export const SCOPE_MEANINGS = {
  read: 'Read and follow its own tasks.',
  create: 'Create, cancel and retry its own tasks.',
  admin: 'Read the tasks of all callers, resolve them by id, and read the state of the gateway.',
} as const satisfies Record<string, string>

export type Scope = keyof typeof SCOPE_MEANINGS
export const SCOPES = ['read', 'create', 'admin'] as const satisfies readonly Scope[]

/** The limits of a caller. `null`: no limit. */
export interface CallerLimits {
  /** Creates in a minute, counted from the first. */
  readonly createsPerMinute: number | null
  /** Tasks that wait to be submitted. */
  readonly waitingTasks: number | null
  /** Concurrent WebSockets. */
  readonly sockets: number | null
  /** Concurrent subscriptions, over WebSockets and event streams together. */
  readonly subscriptions: number | null
  /** Credits in a calendar month (UTC). */
  readonly monthlyCredits: number | null
  /** Bytes of uploaded files that are kept. */
  readonly uploadBytes: number | null
}

/** The tasks of its caller that a watch token shows. */
export type TaskRestriction =
  | { readonly taskIds: readonly string[] }
  | { readonly reference: string }
  | { readonly batchId: string }

/** The client that a request comes from: it decides which tasks are visible and what is allowed. */
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
  uploadBytes: null,
}

/** The caller of every request to a gateway without authentication. */
export const OPEN_CALLER: Caller = { id: 'open', scopes: new Set(SCOPES), limits: UNLIMITED, restriction: null }
