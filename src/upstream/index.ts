import type { Logger } from 'pino'
import type { Clock } from '../clock.js'
import type { Config } from '../config.js'
import type { Upstream } from '../tasks/ports.js'
import { createJoggUpstream } from './jogg/client.js'

export interface OpenUpstream {
  readonly upstream: Upstream
  /** The file behind a path like `/media/…` that the gateway serves; null when there is none. */
  mediaFile(pathname: string): string | null
}

/** The upstream that the configuration asks for. The built-in engine is loaded only when it is the one. */
export const openUpstream = async (
  config: Config,
  { clock, log, publicUrl }: { clock: Clock; log: Logger; publicUrl(): string },
): Promise<OpenUpstream> => {
  const { joggApiKey, joggBaseUrl, upstreamTimeoutMs } = config
  if (config.upstream === 'jogg') {
    const upstream = createJoggUpstream({
      apiKey: joggApiKey ?? '',
      baseUrl: joggBaseUrl,
      timeoutMs: upstreamTimeoutMs,
      clock,
    })
    return { upstream, mediaFile: () => null }
  }
  throw new Error('local')
}
