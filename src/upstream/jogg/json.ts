import { LONGEST_BODY_BYTES } from './exchange.js'

/** The JSON in a body, or the reason why there is none. */
export type Json = { readonly json: unknown } | { readonly flaw: string }

/** Reads a body as JSON. Each occurrence of `secret` in its texts is replaced. */
export function readJson(body: string | null, secret: string): Json {
  if (body === null) return { flaw: `a body over ${LONGEST_BODY_BYTES / 1_000_000} MB` }
  if (body.trim() === '') return { flaw: 'an empty body' }
  try {
    return { json: mayContain(body, secret) ? parseHiding(body, secret) : JSON.parse(body) }
  } catch {
    return { flaw: 'a body that is not JSON' }
  }
}

/** A JSON text may spell the secret with escapes; without a backslash it is there as it is, or not at all. */
function mayContain(body: string, secret: string): boolean {
  return body.includes('\\') || body.includes(secret)
}

function parseHiding(body: string, secret: string): unknown {
  return JSON.parse(body, (_key, value) => (typeof value === 'string' ? value.replaceAll(secret, '[key]') : value))
}
