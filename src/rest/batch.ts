import { z } from 'zod'
import { parse } from '../tasks/service/create-input.js'
import { success } from './envelope.js'
import type { Operation } from './operation.js'
import { inputParameters, platformOf } from './parameters.js'

const { video_url, audio_url, playback_type } = inputParameters

const body = z.object({
  video_url,
  playback_type,
  tracks: z
    .array(
      z.object({
        audio_url,
        reference: z.string().nullish().meta({ description: "The caller's own name for the task." }),
        idempotency_key: z
          .string()
          .nullish()
          .meta({ description: 'With the same keys and inputs, a repeated create returns the same batch.' }),
        expected_duration_seconds: z.number().nullish().meta({ description: 'The expected length of the output.' }),
      }),
    )
    .min(1, 'is empty')
    .max(500, 'has more than 500 tracks')
    .meta({ description: '1 to 500 audio tracks, one for each task.' }),
})

const data = z.strictObject({
  batch_id: z.string(),
  tasks: z.array(z.strictObject({ task_id: z.string(), status: z.literal('pending') })).meta({
    description: 'The tasks in the order of the tracks.',
  }),
})

const createBatch: Operation = {
  id: 'createLipSyncBatch',
  method: 'POST',
  path: '/create_lip_sync_batch',
  summary: 'Creates a lip sync of one video for each of many audio tracks, all or none. An extension of the gateway.',
  body,
  data,
  maxBodyBytes: 2_000_000,
  outcomes: ['PARAMETER_ERROR', 'INSUFFICIENT_CREDIT', 'NO_PERMISSION', 'RATE_LIMITED', 'UNCERTAIN'],
  stores: true,
  async respond({ body: given, tasks, header }) {
    const { video_url: videoUrl, playback_type: type, tracks } = parse(body, Object(given))
    const input = {
      videoUrl,
      playbackType: type || ('normal' as const),
      tracks: tracks.map(track => ({
        audioUrl: track.audio_url,
        reference: track.reference,
        idempotencyKey: track.idempotency_key,
        expectedDurationSeconds: track.expected_duration_seconds,
      })),
    }
    const batch = await tasks.createBatch(input, { platform: platformOf(header('x-api-platform')) })
    const created = await tasks.list({ batchId: batch.id, limit: batch.size, oldestFirst: true })
    return success({
      batch_id: batch.id,
      tasks: created.map(({ id }) => ({ task_id: id, status: 'pending' })),
    })
  },
}

export const batchOperations = [createBatch]
