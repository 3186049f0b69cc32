import { z } from 'zod'
import { PLAYBACK_TYPES } from '../tasks/task.js'

/** The names of the service's input fields, as REST names them. */
export const PARAMETER_NAMES: Readonly<Record<string, string>> = {
  videoUrl: 'video_url',
  audioUrl: 'audio_url',
  playbackType: 'playback_type',
  idempotencyKey: 'Idempotency-Key',
  contentType: 'content_type',
  sizeBytes: 'file_size',
}

/** The three inputs of a lip sync, by which it is created and looked up. The service checks the links. */
export const inputParameters = {
  video_url: requiredText().meta({ description: 'The talking-head video: a public, direct, long-lived link.' }),
  audio_url: requiredText().meta({
    description: 'The audio that the mouth will follow: a link like that of the video.',
  }),
  playback_type: z
    .enum([...PLAYBACK_TYPES, ''], `must be one of ${PLAYBACK_TYPES.join(', ')}`)
    .nullish()
    .meta({
      description: 'How a video that is shorter than the audio is extended. Missing, null or empty: `normal`.',
      default: 'normal',
    }),
}

function requiredText() {
  return z.string({ error: ({ input }) => (input == null ? 'is required' : 'must be a string') }).min(1, 'is required')
}

/** Reads `wait=N` of a `Prefer` header; 0 without one. */
export function waitSecondsOf(prefer: string | null, longest: number): number {
  const [, digits = '0'] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(prefer ?? '') ?? []
  return Math.min(Number(digits), longest)
}

/** The name that a client gives itself in `x-api-platform`; null without one. */
export function platformOf(header: string | null): string | null {
  return header?.trim().slice(0, LONGEST_PLATFORM) || null
}

const LONGEST_PLATFORM = 100
