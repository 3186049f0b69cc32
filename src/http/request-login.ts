import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Client } from '../auth/anonymous-access.js'

/** The sender of a request, for the authenticator. */
export function clientOf({ headers, socket }: IncomingMessage): Client {
  return { address: socket.remoteAddress ?? '', headers }
}

/** The credential of a request: a Bearer token or an API key; null: none. Other schemes are for proxies to use. */
export function credentialOf({ authorization, 'x-api-key': apiKey }: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer\b *(.*)$/i.exec(authorization ?? '')?.[1]
  return bearer ?? (typeof apiKey === 'string' ? apiKey : null)
}

/** The credential in a WebSocket's `connectionParams`, which are named like the headers, in any case. */
export function credentialOfParams(params: Readonly<Record<string, unknown>> = {}): string | null {
  const named = Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
  )
  return credentialOf(Object.fromEntries(named))
}
