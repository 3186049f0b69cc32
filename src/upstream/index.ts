import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Config } from '../config.js'
import type { MediaStore } from '../media/media-store.js'
import type { Upstream } from '../tasks/driver/upstream.js'
import { createJoggUpstream } from './jogg/client.js'

/** Opens the configured upstream. The built-in engine is loaded only when it is configured. */
export async function openUpstream(
  config: Config,
  { clock, log, media, publicUrl }: { clock: Clock; log: Logger; media: MediaStore; publicUrl(): string },
): Promise<Upstream> {
  if (config.upstream === 'jogg') {
    const { joggApiKey: apiKey = '', joggBaseUrl: baseUrl, upstreamTimeoutMs: timeoutMs } = config
    return createJoggUpstream({ apiKey, baseUrl, timeoutMs, clock })
  }
  const { openEngineUpstream } = await import('./engine/engine-upstream.js')
  const { jobLimits } = await import('./engine/job-limits.js')
  const { dataDir, ffmpegPath = null, mediaAllowedHosts: allowedHosts } = config
  const ownFile = (url: string) => {
    const base = publicUrl()
    return url.startsWith(`${base}/`) ? media.resolve(url.slice(base.length)) : null
  }
  return openEngineUpstream({
    dataDir,
    media,
    ffmpegPath,
    allowedHosts,
    ownFile,
    log,
    clock,
    limits: jobLimits(config),
  })
}
