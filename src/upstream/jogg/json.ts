import { LONGEST_BODY_BYTES } from './exchange.js'

/** What a body holds: JSON, or why it is none. */
export type Json = { readonly json: unknown } | { readonly flaw: string }

/** Reads a body as JSON. `hide` is applied to every text in it. */
export const readJson = (body: string | null, hide: (text: string) => string): Json => {
  if (body === null) return { flaw: `a body over ${LONGEST_BODY_BYTES / 1_000_000} MB` }
  if (body.trim() === '') return { flaw: 'an empty body' }
  try {
    return { json: JSON.parse(body, (_key, value) => (typeof value === 'string' ? hide(value) : value)) }
  } catch {
    return { flaw: 'a body that is not JSON' }
  }
}
