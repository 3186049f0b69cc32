import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { MediaStore } from '../media/media-store.js'
import type { Upstream } from '../tasks/driver/upstream.js'
import type { CostOptions } from './engine/job-limits.js'
import { createJoggUpstream } from './jogg/client.js'

export interface UpstreamConfig {
  readonly upstream: 'jogg' | 'engine' | Upstream
  readonly upstreamTimeoutMs: number
  readonly dataDir: string
  readonly jogg: { readonly apiKey: string | null; readonly baseUrl: string }
  readonly engine: CostOptions & { readonly allowedHosts: readonly string[]; readonly ffmpegPath: string | null }
}

export interface UpstreamParts {
  clock: Clock
  log: Logger
  media: MediaStore
  /** The path of a link below the gateway's own public URL; null for any other link. */
  links: { pathOf(url: string): string | null }
}

/** The upstream that the configuration names. The built-in engine is loaded only when it is used. */
export async function openUpstream(
  { upstream, upstreamTimeoutMs: timeoutMs, dataDir, jogg, engine }: UpstreamConfig,
  { clock, log, media, links }: UpstreamParts,
): Promise<Upstream> {
  if (typeof upstream === 'object') return upstream
  if (upstream === 'jogg') {
    const { apiKey, baseUrl } = jogg
    return createJoggUpstream({ apiKey: apiKey ?? '', baseUrl, timeoutMs, clock })
  }
  upstream satisfies 'engine'
  const { openEngineUpstream } = await import('./engine/engine-upstream.js')
  const { jobLimits } = await import('./engine/job-limits.js')
  const { ffmpegPath, allowedHosts } = engine
  const ownFile = (url: string) => {
    const path = links.pathOf(url)
    return path && media.resolve(path)
  }
  const limits = jobLimits(engine)
  return openEngineUpstream({ dataDir, media, ffmpegPath, allowedHosts, ownFile, log, clock, limits })
}
