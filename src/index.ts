export { ConfigError, type GatewayOptions } from './config.js'
export { ERROR_CODES, type ErrorCode, GatewayError } from './errors.js'
export { createGateway, type Gateway } from './gateway.js'
export type { Readiness } from './http/router.js'
export {
  type SubmitRequest,
  type Upstream,
  UpstreamError,
  type UpstreamErrorKind,
  type UpstreamErrorOptions,
  type UpstreamJob,
} from './tasks/driver/upstream.js'
export { creditsFor } from './tasks/pricing.js'
export { type CreateInput, toCursor } from './tasks/service/create-input.js'
export type { ListQuery, TaskService } from './tasks/service/task-service.js'
export type { Failure, FailureCode, PlaybackType, Result, Stage, Status, Task, TaskIn } from './tasks/task.js'
export { isFinal, statusOf } from './tasks/task.js'
