export { ConfigError } from './config.js'
export { createGateway, type Gateway } from './create-gateway.js'
export { ERROR_CODES, type ErrorCode, GatewayError } from './errors.js'
export type { GatewayOptions } from './gateway-options.js'
export type { Readiness, ReadinessChecks } from './readiness.js'
export type { Caller, CallerLimits, Scope, TaskRestriction } from './tasks/caller.js'
export type { LiveState } from './tasks/driver/live-state.js'
export {
  type SubmitRequest,
  type Upstream,
  UpstreamError,
  type UpstreamErrorKind,
  type UpstreamErrorOptions,
  type UpstreamJob,
} from './tasks/driver/upstream.js'
export type { CreateInput } from './tasks/service/create-input.js'
export type {
  FollowAllQuery,
  HistoryQuery,
  ListQuery,
  ResolveAction,
  TaskConditions,
  TaskEvent,
  TaskService,
} from './tasks/service/task-service.js'
export { type ResultView, type TaskView, taskView } from './tasks/service/task-view.js'
export type { WatchRequest } from './tasks/service/watch-request.js'
export type {
  Animation,
  Failure,
  FailureCode,
  FinalTask,
  Inputs,
  PlaybackType,
  Result,
  Stage,
  Status,
  Task,
  TaskIn,
} from './tasks/task.js'
export { isFinal, statusOf } from './tasks/task.js'
export type { MonthlyUsage, Transition } from './tasks/task-store.js'
