import type { Clock } from '../../clock.js'
import type { HashedInputs, Inputs } from '../task.js'
import type { UploadStore } from '../upload-store.js'
import type { Problem } from './invalid-input.js'

export interface UploadedInputsParts {
  store: Pick<UploadStore, 'upload' | 'keepUpload'>
  clock: Pick<Clock, 'monotonic'>
  /** How long an upload is kept after it was last needed. */
  uploadTtlMs: number
  /** The file in the media store that one of the gateway's own links leads to; null for any other link. */
  assetOf(url: string): { readonly mediaId: string; readonly exists: () => Promise<boolean> } | null
}

interface Claim {
  readonly sha256: string | null
  readonly isMissing: boolean
}

/** Finds out which inputs were uploaded, and with which content. */
export interface UploadedInputs {
  /** For a look-up: also the content of uploads that have expired. */
  hashed<I extends Inputs>(inputs: I): Promise<I & HashedInputs>
  /**
   * For a create: keeps the files for another while. Returns the problem of each link that leads to no file.
   *
   * @param claimed what was claimed before, for several tasks with the same file
   */
  claim<I extends Inputs>(
    inputs: I,
    claimed?: Map<string, Promise<Claim>>,
  ): Promise<{ readonly inputs: I & HashedInputs; readonly problems: Problem[] }>
}

export function createUploadedInputs({ store, clock, uploadTtlMs, assetOf }: UploadedInputsParts): UploadedInputs {
  async function hashOf(url: string): Promise<string | null> {
    const asset = assetOf(url)
    return asset && ((await store.upload(asset.mediaId))?.sha256 ?? null)
  }

  async function keep(url: string): Promise<Claim> {
    const asset = assetOf(url)
    if (!asset) return { sha256: null, isMissing: false }
    const kept = await store.keepUpload(asset.mediaId, clock.monotonic() + uploadTtlMs)
    if (kept) return { sha256: kept.sha256, isMissing: false }
    // The gateway's other files, such as results, may be inputs as well.
    return { sha256: await hashOf(url), isMissing: !(await asset.exists()) }
  }

  return {
    async hashed(inputs) {
      const [videoSha256, audioSha256] = await Promise.all([hashOf(inputs.videoUrl), hashOf(inputs.audioUrl)])
      return { ...inputs, videoSha256, audioSha256 }
    },

    async claim(inputs, claimed = new Map()) {
      const once = (url: string) => {
        const claim = claimed.get(url) ?? keep(url)
        claimed.set(url, claim)
        return claim
      }
      const names = ['videoUrl', 'audioUrl'] as const
      const [video, audio] = [await once(inputs.videoUrl), await once(inputs.audioUrl)]
      const problems = names
        .filter(name => (name === 'videoUrl' ? video : audio).isMissing)
        .map(name => ({
          path: [name],
          message: `${name} leads to no file: nothing was uploaded to it, or it has expired`,
        }))
      return { inputs: { ...inputs, videoSha256: video.sha256, audioSha256: audio.sha256 }, problems }
    },
  }
}
