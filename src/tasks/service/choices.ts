import type { Task } from '../task.js'
import type { NewTask } from '../task-store.js'

/** What a caller chooses of a task, and a retry copies: every field that the gateway does not set itself. */
export type Choices = Omit<NewTask, keyof Identity | keyof Origin>

/** What the gateway gives every new task. */
type Identity = Pick<NewTask, 'id' | 'caller' | 'stage' | 'createdAt' | 'queuedAt' | 'queuedMono'>

/** Where a task comes from: what its creation was like, rather than what it is. */
export type Origin = Pick<NewTask, 'idempotencyKey' | 'retryOf' | 'reservedCents' | 'platform'>

const CHOICES = {
  videoUrl: true,
  audioUrl: true,
  videoSha256: true,
  audioSha256: true,
  playbackType: true,
  reference: true,
} satisfies Record<keyof Choices, true>

export const CHOICE_NAMES = Object.keys(CHOICES) as readonly (keyof Choices)[]

/** Returns the choices of a task, for another task. */
export function choicesOf({ videoUrl, audioUrl, playbackType, reference }: Task): Choices {
  return { videoUrl, audioUrl, playbackType, reference }
}
