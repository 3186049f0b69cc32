import { closest, distance } from 'fastest-levenshtein'
import type { Environment } from '../config.js'
import { OPTIONS } from '../option-groups.js'

/** A variable that begins like one of the gateway's but is not one: most likely a misspelling. */
export interface UnknownVariable {
  readonly name: string
  readonly message: string
}

const KNOWN = OPTIONS.flatMap(({ variable }) => variable ?? [])
/** `JOGG_`, `POLL_`, …: what the names with a group begin with. */
const PREFIXES = [...new Set(OPTIONS.filter(({ path }) => path.length > 1).map(prefixOf))]
/** A name this near to a known one is taken for a misspelling of it. */
const NEAR = 3

export function unknownVariables(env: Environment): UnknownVariable[] {
  return Object.keys(env)
    .filter(name => PREFIXES.some(prefix => name.startsWith(prefix)) && !KNOWN.includes(name))
    .map(name => ({ name, message: `${name} is not a variable of the gateway${suggestion(name)}` }))
}

function suggestion(name: string): string {
  const nearest = closest(name, KNOWN)
  return distance(name, nearest) <= NEAR
    ? `. Did you mean ${nearest}?`
    : ', although it begins like one. It is ignored.'
}

function prefixOf({ variable }: (typeof OPTIONS)[number]): string {
  return `${variable?.split('_')[0]}_`
}
