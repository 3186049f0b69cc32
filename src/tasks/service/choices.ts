import type { Task } from '../task.js'
import type { NewTask } from '../task-store.js'

/** What a caller chooses of a task, and a retry copies: every field that the gateway does not set itself. */
export type Choices = Omit<NewTask, keyof Identity | keyof Origin>

/** What the gateway gives every new task. */
type Identity = Pick<NewTask, 'id' | 'caller' | 'stage' | 'createdAt' | 'queuedAt' | 'queuedMono'>

/** Where a task comes from: what its creation was like, rather than what it is. */
export type Origin = Pick<NewTask, 'idempotencyKey' | 'retryOf' | 'reservedCents' | 'platform' | 'batchId'>

const CHOICES = {
  videoUrl: true,
  audioUrl: true,
  videoSha256: true,
  audioSha256: true,
  playbackType: true,
  reference: true,
} satisfies Record<keyof Choices, true>

const CHOICE_NAMES = Object.keys(CHOICES) as readonly (keyof Choices)[]
/** What an upload contains counts, rather than where it is. */
const CONTENT_OF = { videoUrl: 'videoSha256', audioUrl: 'audioSha256' } as const

/** Returns the first field in which the choices of two tasks differ, or null when they are equal. */
export function differenceOf(one: Choices, other: Choices): string | null {
  const isSameContent = (name: keyof typeof CONTENT_OF) =>
    one[CONTENT_OF[name]] !== null && one[CONTENT_OF[name]] === other[CONTENT_OF[name]]
  const differing = CHOICE_NAMES.filter(name => name !== 'videoSha256' && name !== 'audioSha256').find(
    name => one[name] !== other[name] && !((name === 'videoUrl' || name === 'audioUrl') && isSameContent(name)),
  )
  return differing ?? null
}

/** Returns the choices of a task, for another task. */
export function choicesOf(task: Task): Choices {
  const { videoUrl, audioUrl, videoSha256, audioSha256, playbackType, reference } = task
  return { videoUrl, audioUrl, videoSha256, audioSha256, playbackType, reference }
}
