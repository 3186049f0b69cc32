import type { ErrorCode } from '../errors.js'
import { SCOPE_MEANINGS } from '../tasks/caller.js'
import type { SubmitQueueStatus } from '../tasks/driver/submitter.js'
import { RESOLVE_MEANINGS } from '../tasks/service/task-service.js'
import { ANIMATIONS, FAILURE_CODES, type PlaybackType, STAGE_MEANINGS, type Status } from '../tasks/task.js'
import { enumOf } from './enum-of.js'

export const LipSyncStatus = enumOf<Status>('LipSyncStatus', 'The state of a task in short.', {
  PENDING: 'Accepted, not yet being made.',
  PROCESSING: 'Being made.',
  SUCCESS: '`result` is there. Final.',
  FAILED: 'There will be no result; `failure` says why. Final.',
  CANCELED: 'Canceled by the caller before it was submitted. Final.',
})

export const LipSyncStage = enumOf('LipSyncStage', 'The state of a task, step by step.', STAGE_MEANINGS)

export const LipSyncPlaybackType = enumOf<PlaybackType>(
  'LipSyncPlaybackType',
  'How a video that is shorter than the audio is extended.',
  {
    normal: 'Plays the video once and holds its last frame to the end.',
    normal_reverse: 'Plays it forward and backward alternately.',
    normal_reverse_by_audio: 'Plays it forward and backward alternately, so that it ends together with the audio.',
  },
)

export const LipSyncFailureCode = enumOf('LipSyncFailureCode', 'Why a task failed.', FAILURE_CODES)

export const LipSyncAnimation = enumOf('LipSyncAnimation', "Whether the speaker's mouth was animated.", ANIMATIONS)

export const LipSyncResolveAction = enumOf(
  'LipSyncResolveAction',
  'A decision about a task that the gateway cannot finish by itself.',
  RESOLVE_MEANINGS,
)

export const LipSyncScope = enumOf('LipSyncScope', 'A permission of a caller.', SCOPE_MEANINGS)

export const LipSyncSubmitQueueState = enumOf<SubmitQueueStatus['state']>(
  'LipSyncSubmitQueueState',
  'Whether queued tasks are submitted to the upstream.',
  {
    OPEN: 'Tasks are submitted without delay.',
    AT_LIMIT: "The rate limit or the upstream's capacity is used up.",
    PAUSED: 'The upstream rejects submits or fails; the gateway tries again at growing intervals.',
  },
)

/** The errors that a caller can act on: payloads return them. All others are errors of the operation. */
export const USER_ERRORS = {
  BAD_USER_INPUT: 'An input value is invalid; `path` is the argument.',
  NOT_FOUND: 'There is no task with this id.',
  INVALID_STATE: "The task's stage does not allow this; `stage` is the current one.",
  IDEMPOTENCY_MISMATCH: 'The idempotency key was used with different input; `path` is the first difference.',
  RATE_LIMITED: 'The caller creates tasks too fast; retry after `retryAfterSeconds`.',
  BUDGET_EXCEEDED: "The task would exceed the caller's monthly credits; `creditsLeft` is what is left.",
  LIMIT_EXCEEDED: "The caller's limit of queued tasks is reached.",
} as const satisfies Partial<Record<ErrorCode, string>>

export const LipSyncUserErrorCode = enumOf('LipSyncUserErrorCode', 'The kind of a mistake in a mutation.', USER_ERRORS)
