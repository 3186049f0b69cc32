import { z } from 'zod'
import { MOST_TRACKS } from '../batch.js'
import { type CreateInput, createInputFields, parse } from './create-input.js'

/** One video with many audio tracks. */
export interface CreateBatchInput extends Pick<CreateInput, 'videoUrl' | 'playbackType'> {
  /** 1 to 500. */
  readonly tracks: readonly Track[]
}

export type Track = Omit<CreateInput, 'videoUrl' | 'playbackType'>

const { videoUrl, playbackType, ...track } = createInputFields

const batchInput = z
  .object({
    videoUrl,
    playbackType,
    tracks: z.array(z.object(track)).min(1, 'is empty').max(MOST_TRACKS, `has more than ${MOST_TRACKS} tracks`),
  })
  .superRefine(({ tracks }, { addIssue }) => {
    const seen = new Set<string>()
    for (const [index, { idempotencyKey }] of tracks.entries()) {
      if (idempotencyKey === null) continue
      const path = ['tracks', index, 'idempotencyKey']
      if (seen.has(idempotencyKey)) addIssue({ code: 'custom', path, message: 'is that of an earlier track' })
      seen.add(idempotencyKey)
    }
  })

export type ParsedBatchInput = z.output<typeof batchInput>

/** Checks the input of a batch. Throws `BAD_USER_INPUT` with the problems of every track. */
export function parseBatchInput(input: CreateBatchInput): ParsedBatchInput {
  return parse(batchInput, input)
}
