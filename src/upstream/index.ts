import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Upstream } from '../tasks/driver/upstream.js'
import { createJoggUpstream } from './jogg/client.js'

export interface UpstreamConfig {
  readonly upstream: 'jogg' | 'engine' | Upstream
  readonly upstreamTimeoutMs: number
  readonly dataDir: string
  readonly jogg: { readonly apiKey: string | null; readonly baseUrl: string }
  readonly engine: {
    readonly allowedHosts: readonly string[]
    readonly ffmpegPath: string | null
    readonly maxBytes: number
    readonly maxSeconds: number
    readonly maxPixels: number
    readonly concurrency: number
  }
}

export interface OpenUpstream {
  readonly upstream: Upstream
  /** The file behind a path like `/media/…` that the gateway serves; null when there is none. */
  mediaFile(pathname: string): string | null
}

/** The upstream that the configuration names. The built-in engine is loaded only when it is used. */
export async function openUpstream(
  config: UpstreamConfig,
  { clock, log, links }: { clock: Clock; log: Logger; links: { pathOf(url: string): string | null } },
): Promise<OpenUpstream> {
  const { upstream: chosen, upstreamTimeoutMs: timeoutMs, dataDir, engine } = config
  if (typeof chosen === 'object') return { upstream: chosen, mediaFile: () => null }
  if (chosen === 'jogg') {
    const { apiKey, baseUrl } = config.jogg
    return { upstream: createJoggUpstream({ apiKey: apiKey ?? '', baseUrl, timeoutMs, clock }), mediaFile: () => null }
  }
  const { openLocalUpstream } = await import('./local/local-upstream.js')
  const { createMediaFiles } = await import('./local/files.js')
  const { ffmpegPath, allowedHosts } = engine
  const media = createMediaFiles(dataDir)
  const ownFile = (url: string) => {
    const path = links.pathOf(url)
    return path && media.resolve(path)
  }
  const limits = {
    inputBytes: engine.maxBytes,
    durationSeconds: engine.maxSeconds,
    pixels: engine.maxPixels,
    concurrency: engine.concurrency,
  }
  const upstream = await openLocalUpstream({
    dataDir,
    ffmpegPath: ffmpegPath ?? undefined,
    allowedHosts: [...allowedHosts],
    ownFile,
    log,
    clock,
    limits,
  })
  return { upstream, mediaFile: media.resolve }
}
