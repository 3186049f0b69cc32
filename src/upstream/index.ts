import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Config } from '../config.js'
import type { Upstream } from '../tasks/driver/upstream.js'
import { createJoggUpstream } from './jogg/client.js'

export interface OpenUpstream {
  readonly upstream: Upstream
  /** The file behind a path like `/media/…` that the gateway serves; null when there is none. */
  mediaFile(pathname: string): string | null
}

/** The upstream that the configuration asks for. The built-in engine is loaded only when it is the one. */
export const openUpstream = async (
  config: Config,
  { clock, log, publicUrl, own }: { clock: Clock; log: Logger; publicUrl(): string; own?: Upstream },
): Promise<OpenUpstream> => {
  if (own) return { upstream: own, mediaFile: () => null }
  if (config.upstream === 'jogg') {
    const { joggApiKey: apiKey = '', joggBaseUrl: baseUrl, upstreamTimeoutMs: timeoutMs } = config
    return { upstream: createJoggUpstream({ apiKey, baseUrl, timeoutMs, clock }), mediaFile: () => null }
  }
  const { openLocalUpstream } = await import('./local/local-upstream.js')
  const { createMediaFiles } = await import('./local/files.js')
  const { dataDir, ffmpegPath, mediaAllowedHosts: allowedHosts } = config
  const media = createMediaFiles(dataDir)
  const ownFile = (url: string) => {
    const base = publicUrl()
    return url.startsWith(`${base}/`) ? media.resolve(url.slice(base.length)) : null
  }
  const limits = {
    inputBytes: config.mediaMaxBytes,
    durationSeconds: config.mediaMaxSeconds,
    pixels: config.mediaMaxPixels,
    concurrency: config.mediaConcurrency,
  }
  const upstream = await openLocalUpstream({ dataDir, ffmpegPath, allowedHosts, ownFile, log, clock, limits })
  return { upstream, mediaFile: media.resolve }
}
