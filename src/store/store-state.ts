import type { Clock } from '../clock.js'
import type { ChangeFeed } from '../tasks/change-feed.js'
import type { GatewayState, TaskLog } from '../tasks/task-store.js'
import type { Connection } from './connection.js'
import type { SubmitCount } from './submit-count.js'

/** What a gateway knows of the past of its database, its clock, and its sign of life. */
export interface StoreState extends Omit<GatewayState, 'isShared'>, Pick<TaskLog, 'epoch'>, AsyncDisposable {
  readonly clock: Clock
  readonly submits: SubmitCount
}

export interface StoreConfig {
  /** `file:` and a path, `:memory:`, or `postgres://…`. */
  readonly databaseUrl: string
  /** A URL of the same database that goes through no pooler. @default `databaseUrl` */
  readonly databaseDirectUrl?: string | null | undefined
  /** Named in errors when the database is in it. */
  readonly dataDir: string
  /** Treats the database as one that was restored from a backup. @default false */
  readonly restored?: boolean | undefined
}

/** What a database opens to. */
export interface OpenStore {
  readonly connection: Connection
  readonly state: StoreState
  readonly feed: ChangeFeed
}

/** What closes the parts that were opened so far, in the order of their opening. */
export type Closers = (() => void | PromiseLike<void>)[]
