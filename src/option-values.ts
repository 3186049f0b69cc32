import { z } from 'zod'
import { isHostEntry } from './net/address.js'

export interface OptionMeta {
  /** A sentence that completes "this option is the …" or states what it does. Markdown. */
  readonly description: string
  /** The default in words, where the value alone would not explain it. Markdown. */
  readonly defaultText?: string
  /** The environment variable, where it is not the group's prefix and the option's name; null: it has none. */
  readonly variable?: string | null
  /** The TypeScript type, where it cannot be derived from the schema. */
  readonly type?: string
}

/** An option of the schema, with its documentation. */
export function option<T extends z.ZodType>(schema: T, meta: OptionMeta): T {
  return schema.meta({ ...meta })
}

/** Options that belong together. `prefix` begins the names of their environment variables. */
export function group<T extends z.ZodType>(title: string, prefix: string, schema: T): T {
  return schema.meta({ title, prefix })
}

export function whole(from: number, to: number) {
  return z
    .int({ error: `must be a whole number from ${from} to ${to}` })
    .min(from)
    .max(to)
}

/** Any other text would never match a host. */
export function hostEntry() {
  return text().refine(isHostEntry, 'must be hosts as in a URL: name, name:port or [::1]')
}

export function ms() {
  return whole(1, 3_600_000)
}

export function quota() {
  return whole(0, 1_000_000)
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'must be a list' }).readonly().default([])
}

export function orNone<T extends z.ZodType>(schema: T) {
  return schema.nullable().default(null)
}

export function text() {
  return z.string({ error: 'must be a text' }).min(1, 'must not be empty')
}

export function httpUrl() {
  return text().refine(
    value => /^https?:\/\//.test(value) && URL.canParse(value),
    'must be an http or https URL, such as https://example.com',
  )
}

/** An origin as browsers send it: without a path or a trailing slash. */
export function origin() {
  return text().refine(
    value => URL.canParse(value) && new URL(value).origin === value,
    'must be origins, such as https://example.com',
  )
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` })
}

export function trueOrFalse() {
  return z.boolean({ error: 'must be true or false' })
}
