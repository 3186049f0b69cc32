import { createHash } from 'node:crypto'
import type { Inputs } from '../../tasks/task.js'

/** To the store, and to the upstream, tasks with the same hash are made from the same inputs. */
export function hashOf({ videoUrl, audioUrl, playbackType }: Inputs): string {
  const inputs = { videoUrl, audioUrl, playbackType } satisfies Inputs
  return createHash('sha256')
    .update(JSON.stringify(Object.values(inputs)))
    .digest('base64url')
}
