import { createHash } from 'node:crypto'
import type { HashedInputs } from '../tasks/task.js'

/**
 * To the store, and to the upstream, tasks with the same hash are made from the same inputs. An upload counts by its
 * content, because the upstream may get one link for all uploads of it.
 */
export function hashOf({ videoUrl, audioUrl, playbackType, videoSha256, audioSha256 }: HashedInputs): string {
  const inputs = [contentOf(videoUrl, videoSha256), contentOf(audioUrl, audioSha256), playbackType]
  return createHash('sha256').update(JSON.stringify(inputs)).digest('base64url')
}

/** No link has this form. */
function contentOf(url: string, sha256: string | null): string {
  return sha256 === null ? url : `sha256:${sha256}`
}
